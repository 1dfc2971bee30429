#include "inferometer/cli/run_progress.h"

#include <algorithm>

#include <fmt/format.h>

namespace ifm {

void RunProgress::on_session(int64_t session, const Plan& plan, int runs, int done) {
  runs_ = runs;
  done_ = done;
  int64_t tokens = 0;
  for (const Cell& cell : expand_cells(plan)) tokens += int64_t{cell.max_tokens} * runs_of_cell(plan);
  bar_ = std::make_unique<ProgressBar>(std::max<int64_t>(1, tokens), fmt::format("session {}", session));
}

void RunProgress::on_run_begin(const Run& run) {
  bar_->update(tokens_, fmt::format("run {}/{} {} {} tokens T={}{}{}", std::min(done_ + 1, runs_), runs_, printable(run.prompt),
                                    run.max_tokens, run.temperature, run.kind == RunKind::warmup ? " (warm-up)" : "", speed_));
}

void RunProgress::on_run_end(const Run& run) {
  if (run.kind == RunKind::warmup) return;
  ++done_;
  tokens_ += run.max_tokens;
  speed_ = run.metrics.decode_tok_per_s ? fmt::format(", last {:.1f} tok/s", *run.metrics.decode_tok_per_s) : "";
  if (run.status == RunStatus::failed) last_error_ = run.error_message;
  bar_->update(tokens_, "");
}

}  // namespace ifm
