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

#include "inferometer/base/error.h"
#include "inferometer/record/store.h"

namespace ifm {
namespace {

int64_t pick_session(const Store& store, const std::string& file, std::optional<int64_t> wanted) {
  const std::vector<int64_t> sessions = store.sessions();
  if (sessions.empty()) fail(ErrorKind::not_found, "{}: no session (expected one made by inferometer run)", file);
  if (!wanted) return sessions.back();
  if (std::find(sessions.begin(), sessions.end(), *wanted) == sessions.end()) {
    fail(ErrorKind::not_found, "{}: no session {} (expected one of {})", file, *wanted, fmt::join(sessions, ", "));
  }
  return *wanted;
}

/// A session with more runs than are kept in memory: two threads read half of them each.
Study study_of_many(const Store& store, const std::filesystem::path& file, const Session& session, int last_order) {
  StudyBuilder early(session);
  StudyBuilder late(session);
  const int middle = last_order / 2;
  const auto read = [&](const Store& from, StudyBuilder& builder, OrderRange range) {
    from.visit_runs(
        session.id, RunDetail::without_tokens, [&](Run&& run) { builder.add(std::move(run)); }, range);
  };
  std::future<void> second = std::async(std::launch::async, [&] {
    read(Store(file, Store::Access::read), late, {middle + 1, last_order});
  });
  read(store, early, {0, middle});
  second.get();
  early.append(std::move(late));
  return early.finish();
}

}  // namespace

void visit_measured_runs(const std::filesystem::path& folder, int64_t session, const std::function<void(const Run&)>& visit) {
  const Store store(folder / "inferometer.db", Store::Access::read);
  store.visit_runs(session, RunDetail::without_tokens, [&](Run&& run) {
    if (run.kind == RunKind::measured) visit(run);
  });
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

Study read_study(const std::filesystem::path& folder, std::optional<int64_t> session) {
  const std::filesystem::path file = folder / "inferometer.db";
  if (!std::filesystem::exists(file)) {
    fail(ErrorKind::not_found, "{}: no results there (expected the folder of an earlier inferometer run PLAN.yaml --out {})",
         file.string(), folder.string());
  }
  const Store store(file, Store::Access::read);
  const int64_t id = pick_session(store, file.string(), session);
  const std::optional<int> last_order = store.last_order(id);
  if (last_order && *last_order > kManyRuns) {
    Study study = study_of_many(store, file, store.session(id), *last_order);
    if (study.runs_are_sample) return study;  // else so many were warm-up runs that the others are few
  }
  const std::vector<Run> runs = store.runs(id);
  if (runs.empty()) {
    fail(ErrorKind::not_found, "{}: session {} has no run yet (expected at least one; see inferometer run --resume)",
         file.string(), id);
  }
  return analyze(store.session(id), runs);
}

}  // namespace ifm
