#include "inferometer/cli/run_progress.h"

#include <algorithm>
#include <optional>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "inferometer/render/number.h"
#include "inferometer/stats/confidence.h"
#include "inferometer/stats/describe.h"

namespace ifm {

void RunTally::add(const Run& run) {
  if (run.status == RunStatus::failed) ++failed_;
  if (!run.flags.empty()) ++flagged_;
  if (run.metrics.decode_tok_per_s) decode_[series_of(run)].push_back(*run.metrics.decode_tok_per_s);
}

std::string RunTally::text(const Run& run) const {
  constexpr size_t kLeastForInterval = 6;
  std::vector<std::string> parts;
  if (const auto found = decode_.find(series_of(run)); found != decode_.end()) {
    const std::vector<double>& values = found->second;
    std::string speed = "decode " + significant(stats::mean(values));
    const std::optional<Interval> interval = values.size() < kLeastForInterval ? std::nullopt : stats::mean_interval(values);
    if (interval) speed += fmt::format(" [{}, {}]", significant(interval->low), significant(interval->high));
    parts.push_back(speed + " tok/s");
  }
  if (flagged_ > 0) parts.push_back(fmt::format("{} flagged", flagged_));
  if (failed_ > 0) parts.push_back(fmt::format("{} failed", failed_));
  return fmt::format("{}", fmt::join(parts, ", "));
}

void RunProgress::on_session(int64_t session, const Plan& plan, int runs, int done) {
  runs_ = runs;
  done_ = done;
  int64_t tokens = 0;
  for (const Cell& cell : expand_cells(plan)) tokens += int64_t{cell.max_tokens} * runs_of_cell(plan);
  bar_ = std::make_unique<ProgressBar>(std::max<int64_t>(1, tokens), fmt::format("session {}", session));
}

void RunProgress::on_run_begin(const Run& run) {
  const std::string tally = tally_.text(run);
  note_ = fmt::format("run {}/{}{}{} · {} {} tokens T={}{}", std::min(done_ + 1, runs_), runs_, tally.empty() ? "" : " · ", tally,
                      printable(run.prompt), run.max_tokens, run.temperature, run.kind == RunKind::warmup ? " (warm-up)" : "");
  bar_->update(tokens_, note_);
}

void RunProgress::on_run_end(const Run& run) {
  if (run.kind == RunKind::warmup) return;
  ++done_;
  tokens_ += run.max_tokens;
  tally_.add(run);
  if (run.status == RunStatus::failed) last_error_ = run.error_message;
  bar_->update(tokens_, note_);
}

}  // namespace ifm
