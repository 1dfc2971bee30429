#pragma once

#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "inferometer/base/mapped_file.h"
#include "inferometer/tensor/tensor_view.h"

namespace ifm {

/// Tensors of one safetensors file, or of a folder with model.safetensors or model.safetensors.index.json and its shards.
class Safetensors {
 public:
  /// @throws Error not_found, io, invalid_data (FAULTS 1-18), unsupported for an element type that we do not hold.
  [[nodiscard]] static Safetensors open_file(const std::filesystem::path& file);
  /// Shards stay inside the folder: absolute paths, `..` and links that leave it are refused.
  [[nodiscard]] static Safetensors open_folder(const std::filesystem::path& folder);

  [[nodiscard]] const std::vector<TensorView>& tensors() const { return tensors_; }
  [[nodiscard]] const TensorView* find(std::string_view name) const;
  [[nodiscard]] const std::map<std::string, std::string>& metadata() const { return metadata_; }
  /// Every file that is mapped, in the order of the index.
  [[nodiscard]] std::vector<std::filesystem::path> paths() const;
  /// Their bytes.
  [[nodiscard]] std::vector<std::span<const std::byte>> mappings() const;
  /// The first that is not whole any more; null while all are.
  [[nodiscard]] const MappedFile* lost() const;

 private:
  void add_file(const std::filesystem::path& file);
  std::vector<MappedFile> files_;
  std::vector<TensorView> tensors_;
  std::map<std::string, std::size_t, std::less<>> index_;
  std::map<std::string, std::string> metadata_;
};

}  // namespace ifm
