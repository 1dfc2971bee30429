#pragma once

#include <cstdint>
#include <string>

#include "inferometer/format/gguf.h"
#include "inferometer/format/gguf_cursor.h"

namespace ifm {

/// A metadata value and the number of its type in the file.
struct GgufTypedValue {
  uint32_t type = 0;
  GgufValue value;
};

/// Types of metadata values by their number in files. Source: GGUFValueType of the PyPI package gguf 0.19.0.
enum class GgufType : uint32_t { u8, i8, u16, i16, u32, i32, f32, boolean, string, array, u64, i64, f64 };

/// The value at the cursor, its type first. key: named in messages. @throws Error invalid_data.
[[nodiscard]] GgufTypedValue read_gguf_value(GgufCursor& cursor, const std::string& key);

}  // namespace ifm
