#include "inferometer/cli/results.h"

#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "inferometer/analysis/check_runs.h"
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

}  // namespace

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

StoredSession read_session(const std::filesystem::path& folder, std::optional<int64_t> session) {
  const std::filesystem::path file = folder / "inferometer.db";
  if (!std::filesystem::exists(file)) {
    fail(ErrorKind::not_found, "{}: no results there (expected the folder of an earlier inferometer run PLAN.yaml --out {})",
         file.string(), folder.string());
  }
  const Store store(file, Store::Access::read);
  const int64_t id = pick_session(store, file.string(), session);
  std::vector<Run> runs = store.runs(id);
  if (std::none_of(runs.begin(), runs.end(), [](const Run& run) { return run.kind == RunKind::measured; })) {
    fail(ErrorKind::not_found, "{}: session {} has no measured run yet (expected at least one; see inferometer run --resume)",
         file.string(), id);
  }
  check_runs(runs, file.string());
  return {store.session(id), std::move(runs)};
}

Study read_study(const std::filesystem::path& folder, std::optional<int64_t> session) {
  const StoredSession stored = read_session(folder, session);
  return analyze(stored.session, stored.runs);
}

}  // namespace ifm
