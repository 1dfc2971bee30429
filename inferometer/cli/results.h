#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <vector>

#include "inferometer/analysis/study.h"
#include "inferometer/record/store.h"

namespace ifm {

/// A session as it is stored, with all its runs, warm-up ones too.
struct StoredSession {
  Session session;
  std::vector<Run> runs;
};

/// A session of a results folder: `session`, or the latest.
/// @throws Error not_found when there are no results, no such session, or a session without a measured run; and as Store.
[[nodiscard]] StoredSession read_session(const std::filesystem::path& folder, std::optional<int64_t> session);
/// The same for a comparison, which needs no tokens: of more than kManyRuns runs they are left out.
[[nodiscard]] StoredSession read_session_to_compare(const std::filesystem::path& folder, std::optional<int64_t> session);
/// What is known about it. @throws as read_session.
[[nodiscard]] Study read_study(const std::filesystem::path& folder, std::optional<int64_t> session);

/// A results folder's database.
[[nodiscard]] std::filesystem::path results_file(const std::filesystem::path& folder);
/// It, to be read. @throws Error not_found where a folder holds no results; and as Store.
[[nodiscard]] Store open_results(const std::filesystem::path& folder);
/// Whether a folder holds results.
[[nodiscard]] bool holds_results(const std::filesystem::path& folder);
/// Every measured run of a session of a results folder, in execution order, without its tokens. @throws as Store.
void visit_measured_runs(const std::filesystem::path& folder, int64_t session, const std::function<void(const Run&)>& visit);
/// The measured runs of a session that are `wanted`, with their tokens, in execution order. @throws as Store.
[[nodiscard]] std::vector<Run> measured_runs(const std::filesystem::path& folder, int64_t session,
                                             const std::function<bool(const Run&)>& wanted);
/// What the tokens of a session's runs say, of more runs than are kept in memory. @throws as read_session.
[[nodiscard]] std::vector<TokenGaps> token_gaps_of_many(const std::filesystem::path& folder, int64_t session);

/// @throws Error io when the folder cannot be made or written to: before the first run, not after it (FAULTS 97).
void make_writable_folder(const std::filesystem::path& out);

}  // namespace ifm
