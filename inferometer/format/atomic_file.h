#pragma once

#include <cstddef>
#include <filesystem>
#include <span>

namespace ifm {

/// A file that is written beside its final name and appears there whole, or not at all. Not copyable.
class AtomicFile {
 public:
  /// @throws Error io naming the file.
  explicit AtomicFile(std::filesystem::path final_path);
  /// Removes the temporary file unless commit() finished.
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  /// @throws Error io.
  void write(std::span<const std::byte> bytes);
  void write_zeros(std::size_t count);
  /// Syncs file and folder and gives the file its name, replacing what was there. @throws Error io.
  void commit();

 private:
  [[noreturn]] void fail_io(const char* what) const;
  std::filesystem::path final_path_;
  std::filesystem::path temporary_path_;
  int fd_ = -1;
};

}  // namespace ifm
