#pragma once

#include <cstddef>
#include <filesystem>
#include <span>

namespace ifm {

/// A regular file mapped read-only and shared for the object's lifetime. Movable, not copyable.
class MappedFile {
 public:
  /// @throws Error not_found, io, or invalid_data when the path is a directory, FIFO or other non-file (it never blocks).
  explicit MappedFile(const std::filesystem::path& path);
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;
  ~MappedFile();

  [[nodiscard]] std::span<const std::byte> bytes() const { return {data_, size_}; }
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
  const std::byte* data_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace ifm
