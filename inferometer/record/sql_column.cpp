#include "inferometer/record/sql_column.h"

#include <algorithm>
#include <bit>
#include <variant>

#include <fmt/format.h>

#include "inferometer/base/check.h"
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

std::string row_checksum(std::span<const SqlColumn> columns, std::span<const SqlValue> row) {
  IFM_CHECK(columns.size() == row.size());
  int64_t schema = 1;
  for (std::size_t i = 0; i < row.size(); ++i) {
    if (!std::holds_alternative<std::monostate>(row[i])) schema = std::max(schema, columns[i].since);
  }
  Sha256 hash;
  for (std::size_t i = 0; i < row.size() && columns[i].since <= schema; ++i) {
    const SqlValue& value = row[i];
    std::string bytes(1, static_cast<char>('0' + value.index()));
    if (const auto* integer = std::get_if<int64_t>(&value)) append_varint(bytes, zigzag(*integer));
    if (const auto* real = std::get_if<double>(&value)) append_varint(bytes, std::bit_cast<uint64_t>(*real));
    const auto* text = std::get_if<std::string>(&value);
    if (const auto* blob = std::get_if<SqlBlob>(&value)) text = &blob->bytes;
    if (text != nullptr) append_varint(bytes, text->size());
    hash.update(bytes);
    if (text != nullptr) hash.update(*text);
  }
  return hash.hex_digest();
}

}  // namespace ifm
