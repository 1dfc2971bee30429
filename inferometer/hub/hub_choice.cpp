#include "inferometer/hub/hub_choice.h"

#include <algorithm>
#include <array>
#include <optional>

#include <fmt/format.h>

#include "inferometer/base/error.h"
#include "inferometer/hub/gguf_choice.h"

namespace ifm {
namespace {

constexpr std::string_view kWeights = "model.safetensors";
constexpr std::string_view kIndex = "model.safetensors.index.json";
constexpr std::size_t kNamesShown = 24;

const HubFile* find(const HubListing& listing, std::string_view path) {
  const auto found = std::ranges::find(listing.files, path, &HubFile::path);
  return found == listing.files.end() ? nullptr : &*found;
}

bool is_small_part(const std::string& path) {
  constexpr std::array<std::string_view, 7> kNames{
      "config.json", "generation_config.json", "special_tokens_map.json", "added_tokens.json", "vocab.json", "merges.txt",
      kIndex};
  return std::ranges::find(kNames, path) != kNames.end() || path.starts_with("tokenizer") || path.starts_with("chat_template");
}

/// The folder's files; nullopt when the repository holds no such model.
std::optional<std::vector<HubFile>> folder_files(const HubListing& listing) {
  if (find(listing, "config.json") == nullptr) return std::nullopt;
  const bool indexed = find(listing, kIndex) != nullptr;
  std::vector<HubFile> files;
  bool has_weights = false;
  for (const HubFile& file : listing.files) {
    if (file.path.find('/') != std::string::npos) continue;
    const bool weights = indexed ? file.path.starts_with("model-") && file.path.ends_with(".safetensors") : file.path == kWeights;
    has_weights = has_weights || weights;
    if (weights || is_small_part(file.path)) files.push_back(file);
  }
  if (!has_weights) return std::nullopt;
  return files;
}

std::vector<std::string> gguf_names(const HubListing& listing) {
  std::vector<std::string> names;
  for (const HubFile& file : listing.files) {
    if (file.path.ends_with(".gguf")) names.push_back(file.path);
  }
  return names;
}

std::string joined(const std::vector<std::string>& names) {
  std::string text;
  for (std::size_t i = 0; i < std::min(names.size(), kNamesShown); ++i) text += (i == 0 ? "" : ", ") + names[i];
  if (names.size() > kNamesShown) text += fmt::format(" and {} more", names.size() - kNamesShown);
  return text.empty() ? "no .gguf file" : text;
}

[[noreturn]] void fail_choice(const HubName& name, const std::vector<std::string>& all) {
  if (!name.file.empty()) fail(ErrorKind::not_found, "{}: has no {} (it has {})", name.repository(), name.file, joined(all));
  if (name.quantization.empty()) {
    fail(ErrorKind::not_found, "{}: has several GGUF files (choose one with hf:{}/FILE or hf:{}:QUANTIZATION; it has {})",
         name.repository(), name.repository(), name.repository(), joined(all));
  }
  const std::vector<std::string> found = ggufs_with(all, name.quantization);
  if (found.size() > 1 && std::ranges::all_of(found, is_gguf_part)) {
    fail(ErrorKind::unsupported, "{}: lies in {} parts ({}), which this build does not read (expected one .gguf file)",
         name.text(), found.size(), joined(found));
  }
  fail(ErrorKind::not_found, "{}: {} GGUF file is called {} (it has {})", name.repository(),
       found.empty() ? "no" : "more than one", name.quantization, joined(found.empty() ? all : found));
}

HubChoice one_gguf(const HubName& name, const HubListing& listing) {
  const std::vector<std::string> all = gguf_names(listing);
  const GgufChoice chosen = name.file.empty() ? choose_gguf(all, name.quantization) : GgufChoice{name.file, false};
  const HubFile* file = find(listing, chosen.file);
  if (file == nullptr) fail_choice(name, all);
  if (is_gguf_part(file->path)) {
    fail(ErrorKind::unsupported, "{}: {} is one part of several, which this build does not read (expected one .gguf file)",
         name.repository(), file->path);
  }
  HubChoice choice;
  choice.files = {*file};
  if (chosen.guessed) choice.note = fmt::format("{}: {} of {} GGUF files", name.repository(), file->path, all.size());
  return choice;
}

}  // namespace

HubChoice choose_files(const HubName& name, const HubListing& listing) {
  if (name.file.empty() && name.quantization.empty()) {
    if (auto files = folder_files(listing)) return {std::move(*files), true, ""};
    if (gguf_names(listing).empty()) {
      fail(ErrorKind::unsupported, "{}: holds no model that this build reads (expected config.json with {}, or a .gguf)",
           name.repository(), kWeights);
    }
  }
  return one_gguf(name, listing);
}

}  // namespace ifm
