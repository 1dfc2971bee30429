#pragma once

#include <filesystem>

namespace ifm {

/// Makes the OS forget the largest resident set that this process has had, so that peak_resident_bytes() counts from now on.
/// False where it does not do that. `root` is where the OS keeps /proc. Never throws. Source: proc(5), /proc/PID/clear_refs.
[[nodiscard]] bool forget_peak_resident(const std::filesystem::path& root = "/");

}  // namespace ifm
