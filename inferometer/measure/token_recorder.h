#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "inferometer/base/clock.h"
#include "inferometer/base/stop.h"
#include "inferometer/engine/engine.h"
#include "inferometer/record/plan.h"

namespace ifm {

/// Stamps each token event of one run with the laboratory's own clock, first thing on arrival (one from a server keeps the stamp
/// of its read). Room for `max_tokens` events is made, and touched, before: between two events nothing is allocated, formatted or
/// locked. When an event comes later than the plan allows, it asks for a stop through `source`.
class TokenRecorder final : public TokenSink {
 public:
  TokenRecorder(Clock& clock, int max_tokens, const PlanTimeouts& timeouts, StopSource source);
  /// The moment from which the first event is awaited; call it right before the request is handed over.
  void begin(int64_t now_ns) { last_ns_ = now_ns; }
  void on_tokens(const TokenEvent& event) override;

  [[nodiscard]] const std::vector<int64_t>& received_ns() const { return received_ns_; }
  [[nodiscard]] const std::vector<int>& tokens() const { return tokens_; }
  [[nodiscard]] const std::vector<TokenId>& ids() const { return ids_; }
  [[nodiscard]] const std::string& text() const { return text_; }
  [[nodiscard]] std::optional<int64_t> first_text_ns() const { return first_text_ns_; }
  /// Whether an event came too late.
  [[nodiscard]] bool late() const { return late_; }
  /// Events so far; may be read by another thread.
  [[nodiscard]] int events() const { return events_.load(std::memory_order_relaxed); }

 private:
  Clock& clock_;
  int64_t first_limit_ns_;
  int64_t gap_limit_ns_;
  StopSource source_;
  int64_t last_ns_ = 0;
  bool late_ = false;
  std::atomic<int> events_{0};
  std::vector<int64_t> received_ns_;
  std::vector<int> tokens_;
  std::vector<TokenId> ids_;
  std::string text_;
  std::optional<int64_t> first_text_ns_;
};

}  // namespace ifm
