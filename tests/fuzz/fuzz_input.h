#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string_view>

namespace ifm {

/// Calls `parse` and takes an Error as a good answer to bad bytes, if it is one that a user can read: a sentence. Anything else
/// that is thrown, and every crash, is the finding.
void fuzz(const std::function<void()>& parse);

/// The same with the input in a file of this name in a folder of its own, of which `parse` gets the path.
void fuzz_file(const uint8_t* data, std::size_t size, const char* name,
               const std::function<void(const std::filesystem::path&)>& parse);

/// A folder for the life of the process, in memory where the system has such a place.
[[nodiscard]] const std::filesystem::path& fuzz_folder();

[[nodiscard]] inline std::string_view text_of(const uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

}  // namespace ifm
