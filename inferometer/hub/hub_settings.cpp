#include "inferometer/hub/hub_settings.h"

#include <algorithm>
#include <cctype>
#include <fstream>
#include <iterator>

#include "inferometer/base/error.h"
#include "inferometer/format/quote.h"
#include "inferometer/hub/user_folders.h"

namespace ifm {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kLongestToken = 4096;

fs::path hugging_face_home() {
  if (const auto home = environment("HF_HOME")) return *home;
  return user_cache_folder() / "huggingface";
}

std::string without_blanks(std::string text) {
  std::erase_if(text, [](unsigned char c) { return std::isspace(c) != 0; });
  return text;
}

std::string token_in_file(const fs::path& file) {
  if (!is_file(file)) return {};
  std::ifstream in(file, std::ios::binary);
  std::string text(kLongestToken + 1, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(in.gcount()));
  return without_blanks(text);
}

std::string token() {
  std::string text;
  std::string source = "HF_TOKEN";
  if (const auto given = environment("HF_TOKEN")) {
    text = without_blanks(*given);
  } else {
    const auto path = environment("HF_TOKEN_PATH");
    const fs::path file = path ? fs::path(*path) : hugging_face_home() / "token";
    source = file.string();
    text = token_in_file(file);
  }
  const auto plain = [](unsigned char c) { return c > 0x20 && c < 0x7f; };
  if (text.size() > kLongestToken || !std::ranges::all_of(text, plain)) {
    fail(ErrorKind::usage, "{}: holds no token (expected up to {} printable characters)", source, kLongestToken);
  }
  return text;
}

}  // namespace

fs::path hub_cache_folder() {
  for (const char* name : {"HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"}) {
    if (const auto cache = environment(name)) return *cache;
  }
  return hugging_face_home() / "hub";
}

HubSettings hub_settings_from_environment() {
  HubSettings settings;
  if (const auto endpoint = environment("HF_ENDPOINT")) settings.endpoint = *endpoint;
  while (settings.endpoint.ends_with('/')) settings.endpoint.pop_back();
  if (!settings.endpoint.starts_with("https://") && !settings.endpoint.starts_with("http://")) {
    fail(ErrorKind::usage, "HF_ENDPOINT: {} is no address of a Hub (expected https://HOST)", quote(settings.endpoint));
  }
  settings.token = token();
  settings.ca_file = environment("SSL_CERT_FILE").value_or("");
  settings.cache = hub_cache_folder();
  settings.offline = environment_says_yes("HF_HUB_OFFLINE");
  return settings;
}

}  // namespace ifm
