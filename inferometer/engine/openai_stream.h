#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "inferometer/engine/engine.h"
#include "inferometer/net/sse.h"

namespace ifm {

/// What a server has told about one streamed answer, event by event. Untrusted: everything is checked.
class OpenAiStream {
 public:
  /// One event of the stream that may hold tokens.
  struct Piece {
    int64_t received_ns = 0;
    std::string text;       ///< visible, and
    std::string reasoning;  ///< not; both empty where the answer's end was said
  };

  explicit OpenAiStream(TokenSink& sink) : sink_(sink) {}

  /// @throws Error engine with the server's message for an error that it sends, network for what is not of the protocol.
  void take(const SseEvent& event, int64_t received_ns);
  /// The stream has ended; `unfinished`: SseParser's. @throws Error when it ended before the answer did.
  void end(const std::string& unfinished);

  [[nodiscard]] bool done() const { return done_; }
  [[nodiscard]] const std::vector<Piece>& pieces() const { return pieces_; }
  [[nodiscard]] std::string text() const;
  /// "stop", "length", …: as the server says; empty while it has not.
  [[nodiscard]] const std::string& finish_reason() const { return finish_reason_; }
  [[nodiscard]] std::optional<int> prompt_tokens() const { return prompt_tokens_; }
  [[nodiscard]] std::optional<int> completion_tokens() const { return completion_tokens_; }
  [[nodiscard]] std::optional<int> cached_tokens() const { return cached_tokens_; }
  [[nodiscard]] const std::optional<ServerTimings>& timings() const { return timings_; }
  /// The name that the server gives the model.
  [[nodiscard]] const std::string& model() const { return model_; }
  /// What it says of its own build ("system_fingerprint"); empty where it does not.
  [[nodiscard]] const std::string& fingerprint() const { return fingerprint_; }
  [[nodiscard]] const std::vector<std::string>& flags() const { return flags_; }

 private:
  void take_chunk(const nlohmann::json& chunk, int64_t received_ns);
  void take_choice(const nlohmann::json& choice, int64_t received_ns);
  void take_usage(const nlohmann::json& usage);
  void take_timings(const nlohmann::json& timings);

  TokenSink& sink_;
  std::vector<Piece> pieces_;
  std::string finish_reason_;
  std::string model_;
  std::string fingerprint_;
  std::optional<int> prompt_tokens_, completion_tokens_, cached_tokens_;
  std::optional<ServerTimings> timings_;
  std::vector<std::string> flags_;
  bool done_ = false;
};

/// The message in what a server sends for an error: {"error": {"message": …}}, {"error": "…"}, {"message": …}, or the text
/// itself, on one line and not longer than a line.
[[nodiscard]] std::string error_message_of(std::string_view body);

}  // namespace ifm
