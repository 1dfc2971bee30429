#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <type_traits>

#include "inferometer/base/error.h"

namespace ifm {

/// Reads little-endian values from untrusted bytes, one after the other; never past the end.
class GgufCursor {
 public:
  GgufCursor(std::span<const std::byte> bytes, const std::string& subject) : bytes_(bytes), subject_(subject) {}

  [[nodiscard]] std::size_t offset() const { return offset_; }
  [[nodiscard]] std::size_t remaining() const { return bytes_.size() - offset_; }
  [[nodiscard]] const std::string& subject() const { return subject_; }

  /// what: names the field in the message. @throws Error invalid_data when the file ends before.
  template <typename T>
  [[nodiscard]] T take(const char* what) {
    static_assert(std::is_arithmetic_v<T>);
    if (remaining() < sizeof(T)) cut_off(what, sizeof(T));
    T value{};
    std::memcpy(&value, bytes_.data() + offset_, sizeof(T));
    offset_ += sizeof(T);
    return value;
  }
  /// Length as u64, then its bytes.
  [[nodiscard]] std::string take_string(const char* what) {
    const auto length = take<uint64_t>(what);
    if (length > remaining()) cut_off(what, length);
    std::string text(reinterpret_cast<const char*>(bytes_.data()) + offset_, static_cast<std::size_t>(length));
    offset_ += text.size();
    return text;
  }
  /// A count of things that take at least `least_bytes` each, so that it cannot promise more than the file holds.
  [[nodiscard]] std::size_t take_count(const char* what, std::size_t least_bytes) {
    const auto count = take<uint64_t>(what);
    if (count > remaining() / least_bytes) {
      fail(ErrorKind::invalid_data, "{}: {} at byte {} is {} (the {} bytes after it hold at most {})", subject_, what,
           offset_ - 8, count, remaining(), remaining() / least_bytes);
    }
    return static_cast<std::size_t>(count);
  }

 private:
  [[noreturn]] void cut_off(const char* what, uint64_t wanted) const {
    fail(ErrorKind::invalid_data, "{}: {} at byte {} is cut off (expected {} bytes, got {})", subject_, what, offset_, wanted,
         remaining());
  }

  std::span<const std::byte> bytes_;
  const std::string& subject_;
  std::size_t offset_ = 0;
};

}  // namespace ifm
