#pragma once

#include "inferometer/record/session.h"
#include "inferometer/record/sqlite.h"
#include "inferometer/record/store.h"

namespace ifm {

/// The columns of each table in the order of its rows; ids, the session's end and checksums are the store's own.
inline constexpr const char* kSessionColumns =
    "started_utc, plan_name, plan_hash, plan_source, plan_json, order_seed, environment_json, command";
inline constexpr const char* kModelColumns =
    "position, engine, model, path, architecture, quantization, hash, isa, accuracy, threads, context, weight_bytes, parameters, "
    "bytes_per_token, load_s";
inline constexpr const char* kBlockColumns =
    "block, first_order, started_ns, canary_compute_ns, canary_read_ns, temperature_c, frequency_mhz, load_1m";

[[nodiscard]] SqlRow session_to_row(const Session& session);
[[nodiscard]] SqlRow model_to_row(int position, const SessionModel& model);
[[nodiscard]] SqlRow block_to_row(const BlockRecord& block);
/// The three readers: @throws Error invalid_data when a value has another type than it was written with.
[[nodiscard]] Session session_from_row(const SqlRow& row);
[[nodiscard]] SessionModel model_from_row(const SqlRow& row);
[[nodiscard]] BlockRecord block_from_row(const SqlRow& row);

}  // namespace ifm
