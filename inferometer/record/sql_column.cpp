#include "inferometer/record/sql_column.h"

#include <algorithm>
#include <bit>
#include <string_view>
#include <variant>

#include <fmt/format.h>

#include "inferometer/base/check.h"
#include "inferometer/base/error.h"
#include "inferometer/base/sha256.h"
#include "inferometer/record/varint.h"

namespace ifm {
std::string column_list(std::span<const SqlColumn> columns, int64_t schema) {
  std::string list;
  for (const SqlColumn& column : columns) {
    list += fmt::format("{}{}{}", list.empty() ? "" : ", ", column.since > schema ? "NULL AS " : "", column.name);
  }
  return list;
}

std::string column_declarations(std::span<const SqlColumn> columns) {
  std::string list;
  for (const SqlColumn& column : columns) list += fmt::format(", {} {}", column.name, column.type);
  return list;
}

std::string pack_row(std::span<const SqlColumn> columns, std::span<const SqlView> row) {
  IFM_CHECK(columns.size() == row.size());
  int64_t schema = 1;
  std::size_t size = 0;
  for (std::size_t i = 0; i < row.size(); ++i) {
    if (!std::holds_alternative<std::monostate>(row[i])) schema = std::max(schema, columns[i].since);
    const auto* text = std::get_if<std::string_view>(&row[i]);
    const auto* blob = std::get_if<SqlBlobView>(&row[i]);
    size += 11 + (text != nullptr ? text->size() : blob != nullptr ? blob->bytes.size() : 0);
  }
  std::string bytes;
  bytes.reserve(size);
  const auto add_sized = [&bytes](std::string_view text) {
    append_varint(bytes, text.size());
    bytes += text;
  };
  for (std::size_t i = 0; i < row.size() && columns[i].since <= schema; ++i) {
    const SqlView& value = row[i];
    bytes += static_cast<char>('0' + value.index());
    if (const auto* integer = std::get_if<int64_t>(&value)) append_varint(bytes, zigzag(*integer));
    if (const auto* real = std::get_if<double>(&value)) append_varint(bytes, std::bit_cast<uint64_t>(*real));
    if (const auto* text = std::get_if<std::string_view>(&value)) add_sized(*text);
    if (const auto* blob = std::get_if<SqlBlobView>(&value)) add_sized(blob->bytes);
  }
  return bytes;
}

SqlView PackedValues::next() {
  if (bytes_.empty()) return {};
  const auto take_sized = [this] {
    const uint64_t size = take_varint(bytes_);
    if (size > bytes_.size()) fail(ErrorKind::invalid_data, "packed row: cut (expected {} bytes, got {})", size, bytes_.size());
    const std::string_view text = bytes_.substr(0, size);
    bytes_.remove_prefix(size);
    return text;
  };
  const char type = bytes_.front();
  bytes_.remove_prefix(1);
  switch (type) {
    case '0':
      return {};
    case '1':
      return unzigzag(take_varint(bytes_));
    case '2':
      return std::bit_cast<double>(take_varint(bytes_));
    case '3':
      return take_sized();
    case '4':
      return SqlBlobView{take_sized()};
    default:
      fail(ErrorKind::invalid_data, "packed row: no type of a value ({})", static_cast<int>(type));
  }
}

std::string row_checksum(std::span<const SqlColumn> columns, std::span<const SqlView> row) {
  return sha256_of(pack_row(columns, row));
}

}  // namespace ifm
