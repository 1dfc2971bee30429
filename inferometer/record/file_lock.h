#pragma once

#include <filesystem>

namespace ifm {

/// An advisory lock on a file, held while the object lives; the OS lets go of it when the process dies, however it dies.
class FileLock {
 public:
  /// Makes the file when it is absent and writes our process id into it.
  /// @throws Error io when another process holds it (its id is in the message), or when the file cannot be made.
  explicit FileLock(const std::filesystem::path& file);
  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;
  ~FileLock();

 private:
  int descriptor_ = -1;
};

}  // namespace ifm
