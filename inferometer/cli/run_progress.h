#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <tuple>
#include <vector>

#include "inferometer/cli/terminal.h"
#include "inferometer/measure/runner.h"

namespace ifm {

/// What is known of a session while it runs, for the line that a person looks at. Not what is reported: that comes from
/// `analyze`.
class RunTally {
 public:
  /// Counts a measured run.
  void add(const Run& run);
  /// "decode 115 [112, 118] tok/s, 2 flagged, 1 failed": of the runs so far of the same engine, model and mode; the interval as
  /// if they were independent, from 6 runs on. "" where nothing is known.
  [[nodiscard]] std::string text(const Run& run) const;

 private:
  using Series = std::tuple<Mode, std::string, std::string>;  ///< mode, engine, model
  static Series series_of(const Run& run) { return {run.mode, run.engine, run.model}; }
  std::map<Series, std::vector<double>> decode_;
  int flagged_ = 0;
  int failed_ = 0;
};

/// A session's bar, weighted by the length of what is asked for, since runs of 256 tokens take longer than runs of 64.
class RunProgress final : public SessionObserver {
 public:
  void on_session(int64_t session, const Plan& plan, int runs, int done) override;
  void on_run_begin(const Run& run) override;
  void on_run_end(const Run& run) override;
  void finish(bool interrupted) {
    if (bar_ != nullptr) bar_->finish(interrupted ? "interrupted after" : "done in");
  }
  [[nodiscard]] const std::string& last_error() const { return last_error_; }

 private:
  std::unique_ptr<ProgressBar> bar_;
  int runs_ = 0;
  int done_ = 0;
  int64_t tokens_ = 0;
  RunTally tally_;
  std::string note_;  ///< beside the bar
  std::string last_error_;
};

}  // namespace ifm
