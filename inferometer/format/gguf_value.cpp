#include "inferometer/format/gguf_value.h"

#include <limits>
#include <utility>

#include "inferometer/format/quote.h"

namespace ifm {
namespace {

constexpr const char* kWhat = "metadata value";

[[noreturn]] void reject(const GgufCursor& cursor, const std::string& key, const std::string& what) {
  fail(ErrorKind::invalid_data, "{}: metadata key {} at byte {}: {}", cursor.subject(), quote(key), cursor.offset(), what);
}

bool read_boolean(GgufCursor& cursor, const std::string& key) {
  const auto byte = cursor.take<uint8_t>(kWhat);
  if (byte > 1) reject(cursor, key, fmt::format("boolean is {} (expected 0 or 1)", byte));
  return byte == 1;
}

int64_t narrowed(GgufCursor& cursor, const std::string& key, uint64_t value) {
  if (value > static_cast<uint64_t>(std::numeric_limits<int64_t>::max()))
    reject(cursor, key, fmt::format("integer {} is too large", value));
  return static_cast<int64_t>(value);
}

template <typename T, typename Element>
std::vector<Element> read_array(GgufCursor& cursor, const std::string& key) {
  const std::size_t count = cursor.take_count("metadata array length", sizeof(T));
  std::vector<Element> values;
  values.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    if constexpr (std::is_same_v<T, uint64_t>) {
      values.push_back(narrowed(cursor, key, cursor.take<T>(kWhat)));
    } else {
      values.push_back(static_cast<Element>(cursor.take<T>(kWhat)));
    }
  }
  return values;
}

std::vector<std::string> read_strings(GgufCursor& cursor) {
  const std::size_t count = cursor.take_count("metadata array length", sizeof(uint64_t));
  std::vector<std::string> values;
  values.reserve(count);
  for (std::size_t i = 0; i < count; ++i) values.push_back(cursor.take_string(kWhat));
  return values;
}

std::vector<bool> read_booleans(GgufCursor& cursor, const std::string& key) {
  const std::size_t count = cursor.take_count("metadata array length", 1);
  std::vector<bool> values;
  values.reserve(count);
  for (std::size_t i = 0; i < count; ++i) values.push_back(read_boolean(cursor, key));
  return values;
}

GgufValue read_array_value(GgufCursor& cursor, const std::string& key) {
  const auto type = cursor.take<uint32_t>("metadata array type");
  switch (static_cast<GgufType>(type)) {
    case GgufType::u8:
      return read_array<uint8_t, int64_t>(cursor, key);
    case GgufType::i8:
      return read_array<int8_t, int64_t>(cursor, key);
    case GgufType::u16:
      return read_array<uint16_t, int64_t>(cursor, key);
    case GgufType::i16:
      return read_array<int16_t, int64_t>(cursor, key);
    case GgufType::u32:
      return read_array<uint32_t, int64_t>(cursor, key);
    case GgufType::i32:
      return read_array<int32_t, int64_t>(cursor, key);
    case GgufType::u64:
      return read_array<uint64_t, int64_t>(cursor, key);
    case GgufType::i64:
      return read_array<int64_t, int64_t>(cursor, key);
    case GgufType::f32:
      return read_array<float, double>(cursor, key);
    case GgufType::f64:
      return read_array<double, double>(cursor, key);
    case GgufType::boolean:
      return read_booleans(cursor, key);
    case GgufType::string:
      return read_strings(cursor);
    case GgufType::array:
      reject(cursor, key, "array of arrays (expected an array of plain values)");
  }
  reject(cursor, key, fmt::format("array element type {} is unknown", type));
}

}  // namespace

GgufTypedValue read_gguf_value(GgufCursor& cursor, const std::string& key) {
  const auto type = cursor.take<uint32_t>("metadata value type");
  switch (static_cast<GgufType>(type)) {
    case GgufType::u8:
      return {type, uint64_t{cursor.take<uint8_t>(kWhat)}};
    case GgufType::i8:
      return {type, int64_t{cursor.take<int8_t>(kWhat)}};
    case GgufType::u16:
      return {type, uint64_t{cursor.take<uint16_t>(kWhat)}};
    case GgufType::i16:
      return {type, int64_t{cursor.take<int16_t>(kWhat)}};
    case GgufType::u32:
      return {type, uint64_t{cursor.take<uint32_t>(kWhat)}};
    case GgufType::i32:
      return {type, int64_t{cursor.take<int32_t>(kWhat)}};
    case GgufType::u64:
      return {type, cursor.take<uint64_t>(kWhat)};
    case GgufType::i64:
      return {type, cursor.take<int64_t>(kWhat)};
    case GgufType::f32:
      return {type, double{cursor.take<float>(kWhat)}};
    case GgufType::f64:
      return {type, cursor.take<double>(kWhat)};
    case GgufType::boolean:
      return {type, read_boolean(cursor, key)};
    case GgufType::string:
      return {type, cursor.take_string(kWhat)};
    case GgufType::array:
      return {type, read_array_value(cursor, key)};
  }
  reject(cursor, key, fmt::format("value type {} is unknown", type));
}

}  // namespace ifm
