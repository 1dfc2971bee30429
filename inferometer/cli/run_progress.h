#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "inferometer/cli/terminal.h"
#include "inferometer/measure/runner.h"

namespace ifm {

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
  std::string speed_;
  std::string last_error_;
};

}  // namespace ifm
