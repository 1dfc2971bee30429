#pragma once

#include <span>
#include <string>

#include "inferometer/record/run.h"
#include "inferometer/record/sqlite.h"

namespace ifm {

/// A column of the table `run`.
struct RunColumn {
  const char* name;
  const char* type;   ///< as SQL declares it
  int64_t since = 1;  ///< the schema that brought it; later ones stand last and may be null
};

/// The columns that hold a run, in the order of a row; the store adds id, session and checksum.
[[nodiscard]] std::span<const RunColumn> run_columns();
[[nodiscard]] SqlRow run_to_row(const Run& run);
/// @throws Error invalid_data when a value has another type than it was written with.
[[nodiscard]] Run run_from_row(const SqlRow& row);
/// sha256 over the types and bytes of a row's values.
[[nodiscard]] std::string row_checksum(std::span<const SqlValue> row);
/// The same for a run; columns that came after schema 1 count only when they hold something, so that old rows stay valid.
[[nodiscard]] std::string run_checksum(std::span<const SqlValue> row);

/// Stamps as one BLOB: for each event the zigzag varint of the step from the last offset, then the varint of its tokens.
[[nodiscard]] std::string pack_stamps(const TokenStamps& stamps);
/// @throws Error invalid_data.
[[nodiscard]] TokenStamps unpack_stamps(const std::string& bytes);

}  // namespace ifm
