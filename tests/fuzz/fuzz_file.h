#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>

namespace ifm {

/// Writes the input to a file of the given name in a folder of its own, calls `parse` with its path, and swallows Error: an error
/// is a good answer to bad bytes. Anything else that is thrown, and every crash, is the finding.
void fuzz_file(const uint8_t* data, std::size_t size, const char* name,
               const std::function<void(const std::filesystem::path&)>& parse);

}  // namespace ifm
