#pragma once

#include <filesystem>
#include <memory>

#include "inferometer/record/sqlite.h"

namespace ifm {

/// "IFM1": says that a SQLite file is ours. Source: https://www.sqlite.org/fileformat.html#application_id
inline constexpr int64_t kApplicationId = 0x49464D31;
inline constexpr int64_t kSchemaVersion = 1;

/// Opens the results file and makes its tables when it is new.
/// @throws Error invalid_data for another program's or a damaged file, unsupported for a newer schema, io.
[[nodiscard]] std::unique_ptr<SqliteDatabase> open_for_writing(const std::filesystem::path& file);
/// @throws the same, and not_found.
[[nodiscard]] std::unique_ptr<SqliteDatabase> open_for_reading(const std::filesystem::path& file);

}  // namespace ifm
