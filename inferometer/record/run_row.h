#pragma once

#include <span>
#include <string>
#include <string_view>

#include "inferometer/record/run.h"
#include "inferometer/record/sql_column.h"
#include "inferometer/record/sql_row.h"
#include "inferometer/record/sqlite.h"

namespace ifm {

/// The columns that hold a run, in the order of a row; the store adds id, session and checksum.
[[nodiscard]] std::span<const SqlColumn> run_columns();
/// Whether a column holds what was generated token by token: stamps, ids, text. All others make a run's line in a table.
[[nodiscard]] bool holds_tokens(const SqlColumn& column);
[[nodiscard]] SqlRow run_to_row(const Run& run);
/// `name` names the row in errors. @throws Error invalid_data when a value has another type than it was written with, or is no
/// word that stands there.
[[nodiscard]] Run run_from_row(std::span<const SqlView> row, const RowName& name);
/// A run without its tokens, of the packed columns that hold none. @throws as above.
[[nodiscard]] Run run_from_packed_level(std::string_view bytes, const RowName& name);
/// Stamps as one BLOB: for each event the zigzag varint of the step from the last offset, then the varint of its tokens.
[[nodiscard]] std::string pack_stamps(const TokenStamps& stamps);
/// @throws Error invalid_data.
[[nodiscard]] TokenStamps unpack_stamps(std::string_view bytes);

}  // namespace ifm
