#include "inferometer/hub/hub_name.h"

#include <algorithm>
#include <cctype>

namespace ifm {
namespace {

constexpr std::string_view kPrefix = "hf:";
constexpr std::size_t kLongestPart = 200;  // file systems take 255, of which the cache needs some

/// Owners, names, revisions and quantizations: letters, digits and "-_.", never hidden and never "..".
bool is_plain(std::string_view text) {
  const auto plain = [](unsigned char c) { return c < 0x80 && (std::isalnum(c) != 0 || c == '-' || c == '_' || c == '.'); };
  if (text.empty() || text.size() > kLongestPart || text.front() == '.' || text.front() == '-') return false;
  return std::ranges::all_of(text, plain) && text.find("..") == std::string_view::npos;
}

/// Takes what stands behind the last `mark` away from `text`.
std::optional<std::string_view> cut_behind(std::string_view& text, char mark) {
  const std::size_t at = text.rfind(mark);
  if (at == std::string_view::npos) return std::nullopt;
  const std::string_view behind = text.substr(at + 1);
  text = text.substr(0, at);
  return behind;
}

}  // namespace

std::string HubName::text() const {
  std::string result = std::string(kPrefix) + repository();
  if (revision != "main") result += "@" + revision;
  if (!quantization.empty()) result += ":" + quantization;
  if (!file.empty()) result += "/" + file;
  return result;
}

std::optional<HubName> parse_hub_name(std::string_view text) {
  if (text.starts_with(kPrefix)) text.remove_prefix(kPrefix.size());
  HubName result;
  const std::size_t slash = text.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  result.owner = text.substr(0, slash);
  std::string_view rest = text.substr(slash + 1);
  if (const std::size_t next = rest.find('/'); next != std::string_view::npos) {
    result.file = rest.substr(next + 1);
    rest = rest.substr(0, next);
    if (!result.file.ends_with(".gguf") || !is_safe_file_name(result.file)) return std::nullopt;
  } else if (const auto quantization = cut_behind(rest, ':')) {
    if (!is_plain(*quantization)) return std::nullopt;
    result.quantization = *quantization;
  }
  if (const auto revision = cut_behind(rest, '@')) {
    if (!is_plain(*revision)) return std::nullopt;
    result.revision = *revision;
  }
  result.name = rest;
  // "--" separates owner and name in the cache's folder: an owner that held it could stand for another one.
  if (!is_plain(result.owner) || !is_plain(result.name) || result.owner.find("--") != std::string::npos) return std::nullopt;
  return result;
}

bool is_safe_file_name(std::string_view path) {
  if (path.empty() || path.size() > 1000) return false;
  const auto bad = [](unsigned char c) { return c < 0x20 || c == 0x7f || c == '\\'; };
  if (std::ranges::any_of(path, bad)) return false;
  while (true) {
    const std::size_t slash = path.find('/');
    const std::string_view part = path.substr(0, slash);
    if (part.empty() || part == "." || part == ".." || part.size() > kLongestPart) return false;
    if (slash == std::string_view::npos) return true;
    path.remove_prefix(slash + 1);
  }
}

}  // namespace ifm
