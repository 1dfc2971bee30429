#pragma once

#include <filesystem>
#include <string_view>

namespace ifm {

/// A folder that is filled under a temporary name beside its final one and renamed when whole: it is complete or absent.
/// Not thread-safe; two programs may stage the same folder at once, the first one to finish wins.
class StagedFolder {
 public:
  /// Makes missing parents. @throws Error usage when `target` exists and is anything but an empty folder; io.
  explicit StagedFolder(std::filesystem::path target);
  StagedFolder(const StagedFolder&) = delete;
  StagedFolder& operator=(const StagedFolder&) = delete;
  /// Removes what was not committed.
  ~StagedFolder();

  [[nodiscard]] const std::filesystem::path& path() const { return staging_; }
  /// @throws Error io.
  void commit();

 private:
  std::filesystem::path target_;
  std::filesystem::path staging_;
  bool committed_ = false;
};

/// Writes a small file whole. @throws Error io.
void write_text_file(const std::filesystem::path& file, std::string_view text);

/// @throws Error usage when `target` exists and is anything but an empty folder.
void require_vacant_folder(const std::filesystem::path& target);

}  // namespace ifm
