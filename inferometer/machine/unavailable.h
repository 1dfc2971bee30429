#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace ifm {

/// What this machine does not tell of itself, each with the reason: "energy: no powercap here (virtual machine)". `root` is where
/// the OS keeps /proc and /sys. Never throws.
[[nodiscard]] std::vector<std::string> unavailable_facts(const std::filesystem::path& root = "/");

}  // namespace ifm
