#pragma once

#include <filesystem>
#include <string>

namespace ifm {

/// The program that `compare --against pinned` measures against: a copy that stays when the build it came from is gone, so that
/// many small losses, each within the margin, add up to one that is seen.
struct PinnedProgram {
  std::filesystem::path program;
  std::string version;     ///< as `--version` prints it
  std::string pinned_utc;  ///< ISO 8601
};

/// Copies a program into the cache folder, in place of the one before. @throws Error unsupported when it is none of ours, io.
PinnedProgram pin_program(const std::filesystem::path& program);

/// @throws Error not_found when none is pinned, invalid_data when it is not the program that was pinned.
[[nodiscard]] PinnedProgram pinned_program();

}  // namespace ifm
