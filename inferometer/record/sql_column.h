#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "inferometer/record/sqlite.h"

namespace ifm {

/// A column of a table of rows that carry a checksum.
struct SqlColumn {
  const char* name;
  const char* type;   ///< as SQL declares it
  int64_t since = 1;  ///< the schema that brought it; later ones stand last, in order, and may be null
};

/// "a, b, c"; a file of an older schema has nulls in place of what it lacks.
[[nodiscard]] std::string column_list(std::span<const SqlColumn> columns, int64_t schema);
/// ", a INTEGER, b TEXT": as CREATE TABLE takes them.
[[nodiscard]] std::string column_declarations(std::span<const SqlColumn> columns);
/// The types and bytes of a row's values. Of the columns of later schemas those count that the first schema had which has all
/// that hold something: a row keeps its bytes, and its checksum, when a file is brought up to a newer schema.
[[nodiscard]] std::string pack_row(std::span<const SqlColumn> columns, std::span<const SqlView> row);
/// The values of such bytes, which must outlive them, one after the other; what is missing at the end (columns of later schemas)
/// is null.
class PackedValues {
 public:
  explicit PackedValues(std::string_view bytes) : bytes_(bytes) {}
  /// @throws Error invalid_data.
  [[nodiscard]] SqlView next();
  [[nodiscard]] bool at_end() const { return bytes_.empty(); }

 private:
  std::string_view bytes_;
};
/// sha256 of the packed row.
[[nodiscard]] std::string row_checksum(std::span<const SqlColumn> columns, std::span<const SqlView> row);

}  // namespace ifm
