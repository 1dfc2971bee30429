#pragma once

#include <cstddef>
#include <filesystem>

namespace ifm {

/// A link to a program under a path of another length, in a temporary folder of its own; gone with this object. Where no link can
/// be made, the program itself. Not copyable.
class ProgramLink {
 public:
  /// `length`: of the folder's part of the path that varies, 1 … 200.
  ProgramLink(const std::filesystem::path& program, std::size_t length);
  ~ProgramLink();
  ProgramLink(const ProgramLink&) = delete;
  ProgramLink& operator=(const ProgramLink&) = delete;
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path folder_;  // empty: no link
  std::filesystem::path path_;
};

}  // namespace ifm
