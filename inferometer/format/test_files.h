#pragma once
// Helpers of this folder's tests; no library includes it.

#include <cstddef>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "inferometer/base/error.h"
#include "inferometer/base/test_folder.h"
#include "inferometer/format/safetensors_writer.h"

namespace ifm::test {

inline std::string read_file(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

inline std::span<const std::byte> bytes_of_text(std::string_view text) { return std::as_bytes(std::span(text)); }

/// The bytes of a plain value as they stand in a file.
template <typename T>
std::string raw(T value) {
  return {reinterpret_cast<const char*>(&value), sizeof value};
}

/// Runs `action`, which must throw Error of this kind, with a one-line message that holds `part`.
inline void expect_error(const std::function<void()>& action, ErrorKind kind, std::string_view part, const std::string& label) {
  try {
    action();
  } catch (const Error& error) {
    EXPECT_STREQ(to_string(error.kind()), to_string(kind)) << label << ": " << error.message();
    EXPECT_NE(error.message().find(part), std::string::npos)
        << label << ": \"" << error.message() << "\" lacks \"" << part << '"';
    EXPECT_EQ(error.message().find('\n'), std::string::npos) << label;
    return;
  }
  ADD_FAILURE() << label << ": was accepted";
}

/// A tensor of `size` bytes with a pattern that begins with `first`.
inline TensorToWrite tensor(std::string name, DType dtype, std::vector<int64_t> shape, int first = 0) {
  std::size_t size = static_cast<std::size_t>(info(dtype).block_bytes);
  for (const int64_t extent : shape) size *= static_cast<std::size_t>(extent);
  size /= static_cast<std::size_t>(info(dtype).block_elements);
  return {std::move(name), dtype, std::move(shape), [size, first] {
            std::vector<std::byte> bytes(size);
            for (std::size_t i = 0; i < size; ++i)
              bytes[i] = static_cast<std::byte>((i * 5 + static_cast<std::size_t>(first)) & 0x3F);
            return bytes;
          }};
}

}  // namespace ifm::test
