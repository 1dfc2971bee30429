#include "inferometer/format/safetensors.h"

#include <algorithm>
#include <set>
#include <utility>

#include "inferometer/base/error.h"
#include "inferometer/format/json_reader.h"
#include "inferometer/format/quote.h"
#include "inferometer/format/safetensors_header.h"

namespace ifm {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr const char* kSingleName = "model.safetensors";
constexpr const char* kIndexName = "model.safetensors.index.json";

bool lies_in(const fs::path& real, const fs::path& folder) {
  const fs::path inside = real.lexically_relative(folder);
  return !inside.empty() && *inside.begin() != "..";
}

// The cache of Hugging Face's tools keeps files in blobs/ and links to them from snapshots/REVISION/: that folder of the same
// model is as good as the snapshot itself.
fs::path blobs_of(const fs::path& folder) {
  return folder.parent_path().filename() == "snapshots" ? folder.parent_path().parent_path() / "blobs" : fs::path();
}

// The place of a shard that an index names, proven to lie inside the folder.
fs::path shard_path(const fs::path& folder, const fs::path& index, const std::string& name) {
  const fs::path relative(name);
  bool leaves = name.empty() || name.find('\0') != std::string::npos || relative.is_absolute();
  for (const fs::path& part : relative) leaves = leaves || part == "..";
  if (leaves) fail(ErrorKind::invalid_data, "{}: shard {} is not a path inside the folder", index.string(), quote(name));
  const fs::path path = folder / relative;
  std::error_code error;
  const fs::path real = fs::canonical(path, error);
  if (error) fail(ErrorKind::invalid_data, "{}: shard {} cannot be found ({})", index.string(), quote(name), error.message());
  const fs::path home = fs::canonical(folder);
  if (!lies_in(real, home) && (blobs_of(home).empty() || !lies_in(real, blobs_of(home)))) {
    fail(ErrorKind::invalid_data, "{}: shard {} is a link that leaves the folder", index.string(), quote(name));
  }
  return path;
}

// Tensor name to shard name.
std::map<std::string, std::string> read_weight_map(const fs::path& index) {
  const json document = read_json_object(index);
  const auto found = document.find("weight_map");
  if (found == document.end() || !found->is_object()) {
    fail(ErrorKind::invalid_data, "{}: field \"weight_map\" is missing or no object", index.string());
  }
  std::map<std::string, std::string> weight_map;
  for (const auto& [tensor, shard] : found->items()) {
    if (!shard.is_string()) {
      fail(ErrorKind::invalid_data, "{}: weight_map of tensor {} is {} (expected a string)", index.string(), quote(tensor),
           shard.type_name());
    }
    weight_map.emplace(tensor, shard.get<std::string>());
  }
  if (weight_map.empty()) fail(ErrorKind::invalid_data, "{}: weight_map is empty", index.string());
  return weight_map;
}

}  // namespace

void Safetensors::add_file(const fs::path& file) {
  MappedFile mapped(file);
  SafetensorsContent content = parse_safetensors(mapped.bytes(), file.string());
  for (TensorView& tensor : content.tensors) {
    if (!index_.emplace(tensor.name, tensors_.size()).second) {
      fail(ErrorKind::invalid_data, "{}: tensor {} stands in another shard too", file.string(), quote(tensor.name));
    }
    tensors_.push_back(std::move(tensor));
  }
  metadata_.merge(content.metadata);
  files_.push_back(std::move(mapped));
}

Safetensors Safetensors::open_file(const fs::path& file) {
  Safetensors result;
  result.add_file(file);
  return result;
}

Safetensors Safetensors::open_folder(const fs::path& folder) {
  const fs::path single = folder / kSingleName;
  const fs::path index = folder / kIndexName;
  std::error_code error;
  if (!fs::is_directory(folder, error)) fail(ErrorKind::not_found, "{}: no such folder", folder.string());
  if (fs::exists(single, error)) return open_file(single);
  if (!fs::exists(index, error)) {
    fail(ErrorKind::not_found, "{}: no weights here (expected {} or {})", folder.string(), kSingleName, kIndexName);
  }
  const auto weight_map = read_weight_map(index);
  std::map<std::string, std::set<std::string>> shards;  // shard to its tensors
  for (const auto& [tensor, shard] : weight_map) shards[shard].insert(tensor);
  Safetensors result;
  for (const auto& [shard, names] : shards) {
    const fs::path file = shard_path(folder, index, shard);
    const std::size_t before = result.tensors_.size();
    result.add_file(file);
    for (std::size_t i = before; i < result.tensors_.size(); ++i) {
      if (names.count(result.tensors_[i].name) == 0) {
        fail(ErrorKind::invalid_data, "{}: tensor {} is not in the index's weight_map for this shard", file.string(),
             quote(result.tensors_[i].name));
      }
    }
    for (const std::string& name : names) {
      if (result.find(name) == nullptr) {
        fail(ErrorKind::invalid_data, "{}: tensor {} is missing (the index says that it is here)", file.string(), quote(name));
      }
    }
  }
  return result;
}

const TensorView* Safetensors::find(std::string_view name) const {
  const auto found = index_.find(name);
  return found == index_.end() ? nullptr : &tensors_[found->second];
}

std::vector<fs::path> Safetensors::paths() const {
  std::vector<fs::path> paths;
  paths.reserve(files_.size());
  for (const MappedFile& file : files_) paths.push_back(file.path());
  return paths;
}

std::vector<std::span<const std::byte>> Safetensors::mappings() const {
  std::vector<std::span<const std::byte>> all;
  for (const MappedFile& file : files_) all.push_back(file.bytes());
  return all;
}

const MappedFile* Safetensors::lost() const {
  const auto found = std::ranges::find_if_not(files_, &MappedFile::intact);
  return found == files_.end() ? nullptr : &*found;
}

}  // namespace ifm
