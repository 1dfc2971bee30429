#include "inferometer/record/sql_column.h"

#include <algorithm>
#include <array>
#include <bit>
#include <string_view>
#include <variant>

#include <fmt/format.h>

#include "inferometer/base/check.h"
#include "inferometer/base/sha256.h"
#include "inferometer/record/varint.h"

namespace ifm {
namespace {

/// Hands a hash what it is made of in large pieces.
class Gatherer {
 public:
  void byte(char value) {
    make_room(1);
    bytes_[size_++] = value;
  }
  /// As append_varint.
  void varint(uint64_t value) {
    make_room(10);
    for (; value >= 0x80; value >>= 7U) bytes_[size_++] = static_cast<char>(value | 0x80U);
    bytes_[size_++] = static_cast<char>(value);
  }
  void sized(std::string_view text) {
    varint(text.size());
    if (text.size() > bytes_.size() / 2) {
      flush();
      hash_.update(text);
      return;
    }
    make_room(text.size());
    std::copy(text.begin(), text.end(), bytes_.data() + size_);
    size_ += text.size();
  }
  [[nodiscard]] std::string hex_digest() {
    flush();
    return hash_.hex_digest();
  }

 private:
  void make_room(std::size_t size) {
    if (bytes_.size() - size_ < size) flush();
  }
  void flush() {
    hash_.update(std::string_view(bytes_.data(), size_));
    size_ = 0;
  }
  Sha256 hash_;
  std::array<char, 1024> bytes_;  // no values at first: it is filled before it is read
  std::size_t size_ = 0;
};

}  // namespace

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

std::string row_checksum(std::span<const SqlColumn> columns, std::span<const SqlView> row) {
  IFM_CHECK(columns.size() == row.size());
  int64_t schema = 1;
  for (std::size_t i = 0; i < row.size(); ++i) {
    if (!std::holds_alternative<std::monostate>(row[i])) schema = std::max(schema, columns[i].since);
  }
  Gatherer bytes;
  for (std::size_t i = 0; i < row.size() && columns[i].since <= schema; ++i) {
    const SqlView& value = row[i];
    bytes.byte(static_cast<char>('0' + value.index()));
    if (const auto* integer = std::get_if<int64_t>(&value)) bytes.varint(zigzag(*integer));
    if (const auto* real = std::get_if<double>(&value)) bytes.varint(std::bit_cast<uint64_t>(*real));
    if (const auto* text = std::get_if<std::string_view>(&value)) bytes.sized(*text);
    if (const auto* blob = std::get_if<SqlBlobView>(&value)) bytes.sized(blob->bytes);
  }
  return bytes.hex_digest();
}

}  // namespace ifm
