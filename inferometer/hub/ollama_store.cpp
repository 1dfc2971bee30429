#include "inferometer/hub/ollama_store.h"

#include <algorithm>
#include <fstream>
#include <system_error>

#include <nlohmann/json.hpp>

#include "inferometer/hub/hexadecimal.h"
#include "inferometer/hub/model_folder.h"
#include "inferometer/hub/user_folders.h"

namespace ifm {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kRegistry = "registry.ollama.ai";
constexpr std::string_view kLibrary = "library";
constexpr std::string_view kModelLayer = "application/vnd.ollama.image.model";
constexpr std::string_view kDigest = "sha256:";
constexpr std::size_t kSha256Digits = 64;
constexpr std::uintmax_t kLargestManifest = 1U << 20U;

/// The digest of the manifest's only model layer, without "sha256:". Another program's file: what is odd about it means that the
/// model is not there for us.
std::optional<std::string> model_digest(const fs::path& manifest) {
  std::error_code error;
  if (!is_file(manifest) || fs::file_size(manifest, error) > kLargestManifest || error) return std::nullopt;
  std::ifstream in(manifest, std::ios::binary);
  const auto document = nlohmann::json::parse(in, nullptr, false);
  if (!document.is_object() || !document.contains("layers") || !document["layers"].is_array()) return std::nullopt;
  std::vector<std::string> digests;
  for (const auto& layer : document["layers"]) {
    if (!layer.is_object() || !layer.contains("mediaType") || layer["mediaType"] != kModelLayer) continue;
    if (!layer.contains("digest") || !layer["digest"].is_string()) return std::nullopt;
    digests.push_back(layer["digest"].get<std::string>());
  }
  if (digests.size() != 1 || !digests.front().starts_with(kDigest)) return std::nullopt;
  std::string digits = digests.front().substr(kDigest.size());
  if (!is_hexadecimal(digits, kSha256Digits)) return std::nullopt;
  return digits;
}

std::optional<fs::path> model_of(const fs::path& manifest) {
  const auto digest = model_digest(manifest);
  if (!digest) return std::nullopt;
  fs::path blob = ollama_folder() / "blobs" / ("sha256-" + *digest);
  if (!begins_as_gguf(blob)) return std::nullopt;
  return blob;
}

fs::path manifests() { return ollama_folder() / "manifests"; }

}  // namespace

fs::path ollama_folder() {
  if (const auto folder = environment("OLLAMA_MODELS")) return *folder;
  return home_folder() / ".ollama" / "models";
}

std::optional<fs::path> find_in_ollama(std::string_view name) {
  std::string tag = "latest";
  if (const std::size_t colon = name.rfind(':'); colon != std::string_view::npos) {
    tag = name.substr(colon + 1);
    name = name.substr(0, colon);
  }
  std::string place(name);
  if (name.find('/') == std::string_view::npos) place = std::string(kLibrary) + "/" + place;
  place += "/" + tag;
  if (!is_safe_file_name(place) || std::ranges::count(place, '/') > 3) return std::nullopt;
  if (std::ranges::count(place, '/') == 2) place = std::string(kRegistry) + "/" + place;
  return model_of(manifests() / place);
}

std::optional<fs::path> find_in_ollama(const HubName& name) {
  if (name.revision != "main" || !name.file.empty()) return std::nullopt;
  const std::string tag = name.quantization.empty() ? "latest" : name.quantization;
  for (const char* host : {"hf.co", "huggingface.co"}) {
    if (auto found = model_of(manifests() / host / name.owner / name.name / tag)) return found;
  }
  return std::nullopt;
}

std::vector<std::string> ollama_names() {
  std::vector<std::string> names;
  for (std::string place : files_below(manifests())) {
    if (!model_of(manifests() / place)) continue;
    for (const std::string& usual : {std::string(kRegistry) + "/", std::string(kLibrary) + "/"}) {
      if (place.starts_with(usual)) place.erase(0, usual.size());
    }
    if (const std::size_t slash = place.rfind('/'); slash != std::string::npos) names.push_back(place.replace(slash, 1, ":"));
  }
  return names;
}

}  // namespace ifm
