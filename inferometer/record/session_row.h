#pragma once

#include <span>

#include "inferometer/record/session.h"
#include "inferometer/record/sql_column.h"
#include "inferometer/record/sqlite.h"
#include "inferometer/record/store.h"

namespace ifm {

/// The columns of each table in the order of its rows; ids, the session's end and checksums are the store's own.
[[nodiscard]] std::span<const SqlColumn> session_columns();
[[nodiscard]] std::span<const SqlColumn> model_columns();
[[nodiscard]] std::span<const SqlColumn> block_columns();

[[nodiscard]] SqlRow session_to_row(const Session& session);
[[nodiscard]] SqlRow model_to_row(int position, const SessionModel& model);
[[nodiscard]] SqlRow block_to_row(const BlockRecord& block);
/// The three readers: @throws Error invalid_data when a value has another type than it was written with.
[[nodiscard]] Session session_from_row(std::span<const SqlView> row, const std::string& what);
[[nodiscard]] SessionModel model_from_row(std::span<const SqlView> row, const std::string& what);
[[nodiscard]] BlockRecord block_from_row(std::span<const SqlView> row, const std::string& what);

}  // namespace ifm
