#pragma once

#include <filesystem>
#include <memory>

#include "inferometer/record/sqlite.h"

namespace ifm {

/// "IFM1": says that a SQLite file is ours. Source: https://www.sqlite.org/fileformat.html#application_id
inline constexpr int64_t kApplicationId = 0x49464D31;
/// 2: speculation in `run` (drafted_tokens, accepted_tokens, decode_steps).
/// 3: what servers say (connect_ns, server_prefill_ns, server_decode_ns, server_decode_tokens).
/// 4: versions of engines, CPU use of engines that wait (engine_version, waiting_cpu_share).
/// 5: what a run used of the machine (cpu_ns … temperature_c), joules_per_token; level in `run` (its columns without tokens,
/// packed, with a checksum) and the index run_level.
/// 6: the multiply-adds and cache bytes of a model's token (macs_per_token … cache_bytes_per_position).
inline constexpr int64_t kSchemaVersion = 6;
/// The first schema whose runs can be read without their tokens.
inline constexpr int64_t kLevelSchema = 5;

/// Opens the results file, makes its tables when it is new, and adds the columns that a file of an older schema lacks.
/// @throws Error invalid_data for another program's or a damaged file, unsupported for a newer schema, io.
[[nodiscard]] std::unique_ptr<SqliteDatabase> open_for_writing(const std::filesystem::path& file);
/// @throws the same, and not_found.
[[nodiscard]] std::unique_ptr<SqliteDatabase> open_for_reading(const std::filesystem::path& file);
/// The schema that an open file has: an older one when it is only read.
[[nodiscard]] int64_t schema_version(const SqliteDatabase& database);

}  // namespace ifm
