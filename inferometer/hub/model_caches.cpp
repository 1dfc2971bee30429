#include "inferometer/hub/model_caches.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "inferometer/hub/gguf_choice.h"
#include "inferometer/hub/hub_cache.h"
#include "inferometer/hub/hub_settings.h"
#include "inferometer/hub/model_folder.h"
#include "inferometer/hub/ollama_store.h"
#include "inferometer/hub/user_folders.h"

namespace ifm {
namespace {

namespace fs = std::filesystem;

constexpr const char* kHuggingFace = "Hugging Face";
constexpr const char* kLmStudio = "LM Studio";
constexpr const char* kLlamaCpp = "llama.cpp";
constexpr const char* kOllama = "Ollama";
constexpr std::string_view kOllamaPrefix = "ollama:";

std::vector<fs::path> lm_studio_folders() {
  return {home_folder() / ".lmstudio" / "models", home_folder() / ".cache" / "lm-studio" / "models"};
}

/// Before 2026 llama.cpp kept its downloads here; since then, with the Hugging Face tools.
fs::path llama_cpp_folder() {
  if (const auto folder = environment("LLAMA_CACHE")) return *folder;
#ifdef __APPLE__
  return home_folder() / "Library" / "Caches" / "llama.cpp";
#else
  return user_cache_folder() / "llama.cpp";
#endif
}

/// llama.cpp calls a file OWNER_NAME_FILE, with "_" for each "/" of FILE.
std::optional<fs::path> find_in_llama_cpp(const HubName& name) {
  const std::string prefix = name.owner + "_" + name.name + "_";
  std::vector<std::string> files;
  for (const fs::path& path : entries_of(llama_cpp_folder())) {
    const std::string file = path.filename().string();
    if (file.starts_with(prefix) && file.ends_with(".gguf") && is_file(path)) files.push_back(file.substr(prefix.size()));
  }
  std::string wanted = name.file;
  std::ranges::replace(wanted, '/', '_');
  if (wanted.empty()) wanted = choose_gguf(files, name.quantization).file;
  if (std::ranges::find(files, wanted) == files.end() || is_gguf_part(wanted)) return std::nullopt;
  return llama_cpp_folder() / (prefix + wanted);
}

/// The first of several with a name is the one that the name finds.
void add(std::vector<FoundModel>& models, FoundModel model) {
  const bool known = std::ranges::find(models, model.name, &FoundModel::name) != models.end();
  if (!known) models.push_back(std::move(model));
}

void add_lm_studio(std::vector<FoundModel>& models) {
  for (const fs::path& root : lm_studio_folders()) {
    for (const fs::path& owner : entries_of(root)) {
      for (const fs::path& folder : entries_of(owner)) {
        const auto name = parse_hub_name(owner.filename().string() + "/" + folder.filename().string());
        if (!name) continue;
        for (const HubName& here : names_in(folder, *name))
          add(models, {here.text(), whole_model_in(folder, here).value_or(folder), kLmStudio});
      }
    }
  }
}

}  // namespace

std::optional<FoundModel> find_in_caches(const HubName& name) {
  if (const auto found = HubCache(hub_cache_folder(), name).find(name)) return FoundModel{name.text(), *found, kHuggingFace};
  if (name.revision != "main") return std::nullopt;  // only Hugging Face's tools keep revisions apart
  for (const fs::path& root : lm_studio_folders()) {
    if (const auto found = whole_model_in(root / name.owner / name.name, name)) return FoundModel{name.text(), *found, kLmStudio};
  }
  if (const auto found = find_in_llama_cpp(name)) return FoundModel{name.text(), *found, kLlamaCpp};
  if (const auto found = find_in_ollama(name)) return FoundModel{name.text(), *found, kOllama};
  return std::nullopt;
}

std::vector<FoundModel> models_in_caches() {
  std::vector<FoundModel> models;
  for (const HubName& name : hub_cache_names(hub_cache_folder())) {
    if (const auto found = HubCache(hub_cache_folder(), name).find(name)) add(models, {name.text(), *found, kHuggingFace});
  }
  add_lm_studio(models);
  for (const fs::path& path : entries_of(llama_cpp_folder())) {
    // Owner and name cannot be told apart in a file's name; its path says all that is needed.
    if (path.extension() == ".gguf" && is_file(path) && !is_gguf_part(path.filename().string())) {
      models.push_back({path.string(), path, kLlamaCpp});
    }
  }
  for (const std::string& name : ollama_names()) {
    if (const auto found = find_in_ollama(name)) models.push_back({std::string(kOllamaPrefix) + name, *found, kOllama});
  }
  return models;
}

std::string searched_caches() {
  return fmt::format("{}, and the caches of LM Studio, llama.cpp and Ollama", hub_cache_folder().string());
}

}  // namespace ifm
