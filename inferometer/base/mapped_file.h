#pragma once

#include <cstddef>
#include <filesystem>
#include <span>

namespace ifm {

/// A regular file mapped read-only and shared for the object's lifetime. Movable, not copyable. Where the file shrinks meanwhile,
/// or its disk fails, what is gone reads as zeros: the process is not ended by SIGBUS, and intact() says so.
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
  /// Whether all that was read so far stood in the file. Cheap.
  [[nodiscard]] bool intact() const;

 private:
  struct Guard;
  std::filesystem::path path_;
  const std::byte* data_ = nullptr;
  std::size_t size_ = 0;
  Guard* guard_ = nullptr;  ///< null for an empty file, and for more files at once than are guarded
};

}  // namespace ifm
