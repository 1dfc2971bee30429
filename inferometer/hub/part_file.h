#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <variant>

#include "inferometer/base/sha1.h"
#include "inferometer/base/sha256.h"
#include "inferometer/base/stop.h"
#include "inferometer/hub/hub_listing.h"

namespace ifm {

/// A file of the Hub in the making: what has come stays on disk from one program to the next, and is hashed as it comes.
class PartFile {
 public:
  /// Opens what is there, or an empty file, and hashes it; more bytes than `file` has are let go of. @throws Error io.
  PartFile(std::filesystem::path path, const HubFile& file, const StopToken& stop);
  PartFile(const PartFile&) = delete;
  PartFile& operator=(const PartFile&) = delete;
  ~PartFile();

  [[nodiscard]] int64_t size() const { return size_; }
  [[nodiscard]] bool whole() const { return size_ == file_.bytes; }
  /// @throws Error invalid_data when that is more than the file has; io.
  void append(std::string_view bytes);
  /// Lets go of everything. @throws Error io.
  void restart();
  /// Checks the digest and gives the file its name; a file with another digest is removed.
  /// @throws Error invalid_data naming both digests; io.
  void finish(const std::filesystem::path& final_path);

 private:
  [[noreturn]] void fail_io(const char* what) const;
  void hash(std::string_view bytes);
  void begin_hash();
  void hash_what_is_there(const StopToken& stop);

  std::filesystem::path path_;
  const HubFile& file_;
  int descriptor_ = -1;
  int64_t size_ = 0;
  std::variant<Sha256, Sha1> hash_;
};

}  // namespace ifm
