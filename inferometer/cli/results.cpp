#include "inferometer/cli/results.h"

#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <future>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "inferometer/analysis/check_runs.h"
#include "inferometer/analysis/token_gaps.h"
#include "inferometer/base/error.h"
#include "inferometer/base/kept_memory.h"
#include "inferometer/record/store.h"

namespace ifm {
namespace {

constexpr const char* kResultsFile = "inferometer.db";

int64_t pick_session(const Store& store, const std::string& file, std::optional<int64_t> wanted) {
  const std::vector<int64_t> sessions = store.sessions();
  if (sessions.empty()) fail(ErrorKind::not_found, "{}: no session (expected one made by inferometer run)", file);
  if (!wanted) return sessions.back();
  if (std::find(sessions.begin(), sessions.end(), *wanted) == sessions.end()) {
    fail(ErrorKind::not_found, "{}: no session {} (expected one of {})", file, *wanted, fmt::join(sessions, ", "));
  }
  return *wanted;
}

/// A session of a results folder that has runs.
struct OpenSession {
  Store store;
  int64_t id = 0;
  int last_order = 0;  ///< of its runs
};

OpenSession open_session(const std::filesystem::path& folder, std::optional<int64_t> session) {
  const std::filesystem::path file = results_file(folder);
  Store store = open_results(folder);
  const int64_t id = pick_session(store, file.string(), session);
  const std::optional<int> last_order = store.last_order(id);
  if (!last_order) {
    fail(ErrorKind::not_found, "{}: session {} has no measured run yet (expected at least one; see inferometer run --resume)",
         file.string(), id);
  }
  return {std::move(store), id, *last_order};
}

RunTokens tokens_of(RunDetail detail) { return detail == RunDetail::all ? RunTokens::read : RunTokens::left_out; }

/// @throws Error not_found without a measured run; as RunChecker.
StoredSession read_open(const OpenSession& open, const std::filesystem::path& file, RunDetail detail) {
  StoredSession stored{open.store.session(open.id), {}};
  RunChecker checker(file.string());
  bool measured = false;
  open.store.visit_runs(open.id, detail, [&](Run&& run) {
    checker.check(run, tokens_of(detail));
    measured = measured || run.kind == RunKind::measured;
    stored.runs.push_back(std::move(run));
  });
  if (!measured) {
    fail(ErrorKind::not_found, "{}: session {} has no measured run yet (expected at least one; see inferometer run --resume)",
         file.string(), open.id);
  }
  return stored;
}

/// Reads a session of many runs by two threads, half of them each: its earlier runs go to the first of the two, the later ones to
/// the second. Both are checked.
template <typename Taker>
void read_halves(const OpenSession& open, const std::filesystem::path& file, RunDetail detail, Taker& early, Taker& late) {
  const int middle = open.last_order / 2;
  const auto read = [&](const Store& from, Taker& taker, OrderRange range) {
    RunChecker checker(file.string());
    const auto take = [&](Run&& run) {
      checker.check(run, tokens_of(detail));
      taker.add(std::move(run));
    };
    from.visit_runs(open.id, detail, take, range);
  };
  std::future<void> second = std::async(std::launch::async, [&] {
    read(Store(file, Store::Access::read), late, {middle + 1, open.last_order});
  });
  read(open.store, early, {0, middle});
  second.get();
}

/// A session with more runs than are kept in memory.
Study study_of_many(const OpenSession& open, const std::filesystem::path& file) {
  keep_freed_memory();
  const Session session = open.store.session(open.id);
  StudyBuilder early(session);
  StudyBuilder late(session);
  read_halves(open, file, RunDetail::without_tokens, early, late);
  early.append(std::move(late));
  return early.finish();
}

}  // namespace

std::filesystem::path results_file(const std::filesystem::path& folder) { return folder / kResultsFile; }

Store open_results(const std::filesystem::path& folder) {
  const std::filesystem::path file = results_file(folder);
  if (!holds_results(folder)) {
    fail(ErrorKind::not_found, "{}: no results there (expected the folder of an earlier inferometer run PLAN.yaml --out {})",
         file.string(), folder.string());
  }
  return {file, Store::Access::read};
}

void visit_measured_runs(const std::filesystem::path& folder, int64_t session, const std::function<void(const Run&)>& visit) {
  const Store store(results_file(folder), Store::Access::read);
  store.visit_runs(session, RunDetail::without_tokens, [&](Run&& run) {
    if (run.kind == RunKind::measured) visit(run);
  });
}

std::vector<Run> measured_runs(const std::filesystem::path& folder, int64_t session,
                               const std::function<bool(const Run&)>& wanted) {
  const Store store(results_file(folder), Store::Access::read);
  RunChecker checker(results_file(folder).string());
  std::vector<Run> runs;
  store.visit_runs(session, RunDetail::all, [&](Run&& run) {
    checker.check(run, RunTokens::read);
    if (run.kind == RunKind::measured && wanted(run)) runs.push_back(std::move(run));
  });
  return runs;
}

std::vector<TokenGaps> token_gaps_of_many(const std::filesystem::path& folder, int64_t session) {
  TokenGapCollector early;
  TokenGapCollector late;
  read_halves(open_session(folder, session), results_file(folder), RunDetail::all, early, late);
  early.append(std::move(late));
  return early.finish();
}

void make_writable_folder(const std::filesystem::path& out) {
  namespace fs = std::filesystem;
  std::error_code error;
  fs::create_directories(out, error);
  if (error || !fs::is_directory(out)) {
    fail(ErrorKind::io, "--out: {} cannot be made: {}", out.string(), error ? error.message() : "it is not a folder");
  }
  const fs::path trial = out / fmt::format(".inferometer-{}", getpid());
  const bool written = static_cast<bool>(std::ofstream(trial) << "x" << std::flush);
  fs::remove(trial, error);
  if (!written) fail(ErrorKind::io, "--out: {} cannot be written to (expected a folder with write permission)", out.string());
}

bool holds_results(const std::filesystem::path& folder) { return std::filesystem::exists(results_file(folder)); }

StoredSession read_session(const std::filesystem::path& folder, std::optional<int64_t> session) {
  return read_open(open_session(folder, session), results_file(folder), RunDetail::all);
}

StoredSession read_session_to_compare(const std::filesystem::path& folder, std::optional<int64_t> session) {
  const OpenSession open = open_session(folder, session);
  const std::filesystem::path file = results_file(folder);
  return read_open(open, file, open.last_order <= kManyRuns ? RunDetail::all : RunDetail::without_tokens);
}

Study read_study(const std::filesystem::path& folder, std::optional<int64_t> session) {
  const OpenSession open = open_session(folder, session);
  const std::filesystem::path file = results_file(folder);
  if (open.last_order > kManyRuns) {
    Study study = study_of_many(open, file);
    if (study.runs_are_sample) return study;  // else so many were warm-up runs that the others are few
  }
  const StoredSession stored = read_open(open, file, RunDetail::all);
  return analyze(stored.session, stored.runs);
}

}  // namespace ifm
