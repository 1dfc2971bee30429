#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "inferometer/engine/engine.h"
#include "inferometer/engine/stop_strings.h"
#include "inferometer/text/utf8_stream.h"

namespace ifm {

/// What becomes of the ids that are drawn for one request: visible text, and whether it is over (an EOS, a stop string, the asked
/// length). Every engine that samples in this process ends its requests by this.
class Answer {
 public:
  /// eos: ascending; like the request, it must outlive this. @throws Error usage for max_tokens below 1.
  Answer(const Request& request, std::span<const TokenId> eos);

  /// Takes the next id and what it stands for (empty for special tokens); returns the text that became visible. Not after the
  /// end.
  [[nodiscard]] std::string accept(TokenId id, std::string_view bytes);
  [[nodiscard]] int tokens() const { return tokens_; }
  /// Why it is over; null while it goes on.
  [[nodiscard]] std::optional<FinishReason> finish() const { return finish_; }

 private:
  const Request& request_;
  std::span<const TokenId> eos_;
  StopStrings stops_;
  Utf8Stream utf8_;
  int tokens_ = 0;
  std::optional<FinishReason> finish_;
};

}  // namespace ifm
