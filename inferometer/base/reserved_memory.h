#pragma once

#include <cstddef>
#include <cstdint>

namespace ifm {

/// Zeroed memory of which only what is touched becomes real, in huge pages where the system has them. Not copyable.
class ReservedMemory {
 public:
  /// bytes > 0. @throws Error resource when the addresses cannot be had.
  explicit ReservedMemory(int64_t bytes);
  ReservedMemory(const ReservedMemory&) = delete;
  ReservedMemory& operator=(const ReservedMemory&) = delete;
  ~ReservedMemory();

  /// Starts on a huge page's border.
  [[nodiscard]] std::byte* data() { return data_; }
  [[nodiscard]] const std::byte* data() const { return data_; }

 private:
  void* mapping_ = nullptr;
  std::size_t mapped_bytes_ = 0;
  std::byte* data_ = nullptr;
};

}  // namespace ifm
