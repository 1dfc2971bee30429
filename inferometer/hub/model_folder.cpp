#include "inferometer/hub/model_folder.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <string>
#include <vector>

#include "inferometer/hub/gguf_choice.h"
#include "inferometer/hub/user_folders.h"

namespace ifm {
namespace {

namespace fs = std::filesystem;

/// The N of "model-00001-of-0000N.safetensors"; 0 when the name is another one.
std::size_t parts_in_name(const std::string& file) {
  constexpr std::string_view kMark = "-of-";
  const std::size_t at = file.rfind(kMark);
  if (!file.starts_with("model-") || !file.ends_with(".safetensors") || at == std::string::npos) return 0;
  return std::strtoul(file.c_str() + at + kMark.size(), nullptr, 10);
}

/// Links to blobs that are missing count as missing.
bool has_all_weights(const fs::path& folder) {
  if (!is_file(folder / "model.safetensors.index.json")) return is_file(folder / "model.safetensors");
  std::size_t expected = 0;
  std::size_t found = 0;
  for (const fs::path& path : entries_of(folder)) {
    const std::size_t parts = parts_in_name(path.filename().string());
    if (parts == 0 || !is_file(path)) continue;
    expected = parts;
    ++found;
  }
  return expected > 0 && found == expected;
}

}  // namespace

std::optional<fs::path> model_in(const fs::path& folder) {
  if (is_file(folder / "config.json")) return folder;
  std::vector<fs::path> files;
  for (const fs::path& path : entries_of(folder)) {
    if (path.extension() == ".gguf" && is_file(path)) files.push_back(path);
  }
  if (files.size() == 1) return files.front();
  return std::nullopt;
}

std::optional<fs::path> whole_model_in(const fs::path& folder, const HubName& name) {
  if (!name.file.empty()) {
    if (is_file(folder / name.file)) return folder / name.file;
    return std::nullopt;
  }
  if (name.quantization.empty() && is_file(folder / "config.json") && has_all_weights(folder)) return folder;
  const GgufChoice chosen = choose_gguf(files_below(folder), name.quantization);
  if (chosen.file.empty() || is_gguf_part(chosen.file)) return std::nullopt;
  return folder / chosen.file;
}

std::vector<HubName> names_in(const fs::path& folder, const HubName& name) {
  std::vector<HubName> names;
  const std::optional<fs::path> usual = whole_model_in(folder, name);
  if (usual) names.push_back(name);
  for (const std::string& file : gguf_models(files_below(folder))) {
    if (is_gguf_part(file) || usual == folder / file) continue;
    names.push_back(name);
    names.back().file = file;
  }
  return names;
}

bool begins_as_gguf(const fs::path& file) {
  if (!is_file(file)) return false;
  std::ifstream in(file, std::ios::binary);
  std::array<char, 4> magic{};
  in.read(magic.data(), magic.size());
  return in.gcount() == 4 && std::memcmp(magic.data(), "GGUF", 4) == 0;
}

}  // namespace ifm
