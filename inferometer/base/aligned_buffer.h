#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>

#include "inferometer/base/check.h"
#include "inferometer/base/error.h"

namespace ifm {

/// An array of plain values that starts on a cache line; not initialised. Movable.
template <typename T>
class AlignedBuffer {
 public:
  AlignedBuffer() = default;
  /// @throws Error resource when the memory cannot be had.
  explicit AlignedBuffer(int64_t size) : size_(size) {
    IFM_CHECK(size >= 0);
    const std::size_t bytes = (static_cast<std::size_t>(size) * sizeof(T) + 63) / 64 * 64;
    data_.reset(static_cast<T*>(std::aligned_alloc(64, bytes == 0 ? 64 : bytes)));
    if (data_ == nullptr) fail(ErrorKind::resource, "memory: {} MiB cannot be had", bytes >> 20);
  }
  [[nodiscard]] T* data() { return data_.get(); }
  [[nodiscard]] const T* data() const { return data_.get(); }
  [[nodiscard]] int64_t size() const { return size_; }

 private:
  struct Free {
    void operator()(T* p) const { std::free(p); }
  };
  std::unique_ptr<T[], Free> data_;
  int64_t size_ = 0;
};

}  // namespace ifm
