#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "inferometer/analysis/metrics.h"
#include "inferometer/cli/interrupt.h"
#include "inferometer/engine/engine.h"

namespace ifm {

/// Keeps what arrives of an answer, with its stamps, and shows the text on standard output at once unless told not to.
class AnswerStream final : public TokenSink {
 public:
  enum class Show { nothing, text };
  /// `guard` is asked to stop when nobody reads standard output any more.
  AnswerStream(Show show, InterruptGuard& guard);
  void on_tokens(const TokenEvent& event) override;

  [[nodiscard]] const std::string& text() const { return text_; }
  /// Of the whole answer: what came, or what a server's text was found to be.
  [[nodiscard]] const std::vector<TokenId>& ids(const Completion& completion) const {
    return completion.event_tokens.empty() ? ids_ : completion.ids;
  }
  /// Computed where the laboratory's are.
  [[nodiscard]] RunMetrics metrics(const Completion& completion, int64_t start_ns) const;
  /// Ends the line on the terminal that the answer leaves open.
  void finish() const;

 private:
  void show(std::string_view piece);

  Show show_;
  bool escape_;
  InterruptGuard& guard_;
  std::vector<int64_t> received_ns_;
  std::vector<int> counts_;
  std::vector<TokenId> ids_;
  std::string text_;
};

/// " | first token after 0.020 s | decode …": what of it is known.
[[nodiscard]] std::string speed_text(const RunMetrics& metrics);

}  // namespace ifm
