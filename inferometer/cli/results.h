#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>

#include "inferometer/analysis/study.h"

namespace ifm {

/// What is known about a session of a results folder: `session`, or the latest.
/// @throws Error not_found when there are no results, no such session, or a session without a run; and as Store.
[[nodiscard]] Study read_study(const std::filesystem::path& folder, std::optional<int64_t> session);

/// Every measured run of a session of a results folder, in execution order, without its tokens. @throws as Store.
void visit_measured_runs(const std::filesystem::path& folder, int64_t session, const std::function<void(const Run&)>& visit);

/// @throws Error io when the folder cannot be made or written to: before the first run, not after it (FAULTS 97).
void make_writable_folder(const std::filesystem::path& out);

}  // namespace ifm
