#include "inferometer/engine/openai_stream.h"

#include <algorithm>
#include <limits>

#include "inferometer/base/error.h"

namespace ifm {
namespace {

using nlohmann::json;

constexpr std::size_t kMaxPieces = 10'000'000;
constexpr std::size_t kMaxMessage = 300;

/// The text of a member; empty where it is absent, null or no text.
std::string text_at(const json& object, const char* key) {
  const auto at = object.find(key);
  return at != object.end() && at->is_string() ? at->get<std::string>() : std::string();
}

std::optional<int> count_at(const json& object, const char* key) {
  const auto at = object.find(key);
  if (at == object.end() || !at->is_number_integer()) return std::nullopt;
  const auto value = at->get<int64_t>();
  if (value < 0 || value > std::numeric_limits<int>::max()) return std::nullopt;
  return static_cast<int>(value);
}

std::optional<int64_t> ns_at(const json& object, const char* key, double unit_ns) {
  const auto at = object.find(key);
  if (at == object.end() || !at->is_number()) return std::nullopt;
  const double value = at->get<double>() * unit_ns;
  if (!(value >= 0 && value < 1e18)) return std::nullopt;
  return static_cast<int64_t>(value);
}

std::string one_line(std::string text) {
  std::ranges::replace_if(
      text, [](unsigned char c) { return c < 0x20 || c == 0x7F; }, ' ');
  if (text.size() > kMaxMessage) {
    text.resize(kMaxMessage);
    text += "…";
  }
  return text;
}

/// Null where there is none.
const json* error_in(const json& message) {
  if (!message.is_object()) return nullptr;
  const auto at = message.find("error");
  return at != message.end() && !at->is_null() ? &*at : nullptr;
}

}  // namespace

std::string error_message_of(std::string_view body) {
  // "error: {…}" and "data: {…}" are how some servers say it in a stream.
  for (const std::string_view prefix : {"error:", "data:"}) {
    if (body.starts_with(prefix)) body.remove_prefix(prefix.size());
  }
  const json message = json::parse(body, nullptr, false);
  if (message.is_string()) return one_line(message.get<std::string>());
  if (!message.is_object()) return one_line(std::string(body));
  if (const json* error = error_in(message)) {
    if (error->is_string()) return one_line(error->get<std::string>());
    if (error->is_object() && !text_at(*error, "message").empty()) return one_line(text_at(*error, "message"));
    return one_line(error->dump(-1, ' ', false, json::error_handler_t::replace));
  }
  for (const char* key : {"message", "detail"}) {
    if (const std::string text = text_at(message, key); !text.empty()) return one_line(text);
  }
  return one_line(std::string(body));
}

void OpenAiStream::take(const SseEvent& event, int64_t received_ns) {
  if (done_) return;
  if (!event.stray.empty()) fail(ErrorKind::engine, "server: {}", error_message_of(event.stray));
  if (event.data == "[DONE]") {
    done_ = true;
    return;
  }
  const json chunk = json::parse(event.data, nullptr, false);
  if (event.type == "error" || error_in(chunk) != nullptr) fail(ErrorKind::engine, "server: {}", error_message_of(event.data));
  if (!chunk.is_object()) {
    fail(ErrorKind::network, "server: an event that is no JSON object: {}", one_line(std::string(event.data)));
  }
  take_chunk(chunk, received_ns);
}

void OpenAiStream::take_chunk(const json& chunk, int64_t received_ns) {
  if (const std::string model = text_at(chunk, "model"); !model.empty()) {
    if (!model_.empty() && model_ != model) {
      fail(ErrorKind::engine, "server: the model changed within an answer, from {} to {}", one_line(model_), one_line(model));
    }
    model_ = model;
  }
  if (const std::string build = text_at(chunk, "system_fingerprint"); !build.empty()) fingerprint_ = one_line(build);
  if (const auto choices = chunk.find("choices"); choices != chunk.end() && choices->is_array() && !choices->empty()) {
    if (choices->size() > 1) fail(ErrorKind::network, "server: {} answers in one event (expected one)", choices->size());
    if (choices->front().is_object()) take_choice(choices->front(), received_ns);
  }
  if (const auto usage = chunk.find("usage"); usage != chunk.end() && usage->is_object()) take_usage(*usage);
  if (const auto timings = chunk.find("timings"); timings != chunk.end() && timings->is_object()) take_timings(*timings);
}

void OpenAiStream::take_choice(const json& choice, int64_t received_ns) {
  if (pieces_.size() >= kMaxPieces) fail(ErrorKind::network, "server: more than {} events", kMaxPieces);
  Piece piece{.received_ns = received_ns};
  if (const auto delta = choice.find("delta"); delta != choice.end() && delta->is_object()) {
    piece.text = text_at(*delta, "content");
    piece.reasoning = text_at(*delta, "reasoning_content");
    if (piece.reasoning.empty()) piece.reasoning = text_at(*delta, "reasoning");
  } else {
    piece.text = text_at(choice, "text");
  }
  const std::string reason = text_at(choice, "finish_reason");
  const bool ends = finish_reason_.empty() && !reason.empty();
  if (ends) finish_reason_ = reason;
  // A delta that only names the role is no token. The end may have been a token without text; that is known when all is counted.
  if (piece.text.empty() && piece.reasoning.empty() && !ends) return;
  pieces_.push_back(std::move(piece));
  sink_.on_tokens({received_ns, {}, pieces_.back().text});
}

void OpenAiStream::take_usage(const json& usage) {
  prompt_tokens_ = count_at(usage, "prompt_tokens");
  completion_tokens_ = count_at(usage, "completion_tokens");
  const auto details = usage.find("prompt_tokens_details");
  if (details != usage.end() && details->is_object()) cached_tokens_ = count_at(*details, "cached_tokens");
}

void OpenAiStream::take_timings(const json& timings) {
  timings_ = {.prefill_ns = ns_at(timings, "prompt_ms", 1e6),
              .decode_ns = ns_at(timings, "predicted_ms", 1e6),
              .decode_tokens = count_at(timings, "predicted_n")};
  if (const auto cached = count_at(timings, "cache_n")) cached_tokens_ = cached;
}

void OpenAiStream::end(const std::string& unfinished) {
  if (!done_ && !unfinished.empty()) {
    const json message = json::parse(unfinished, nullptr, false);
    if (pieces_.empty() || error_in(message) != nullptr || unfinished.starts_with("error:"))
      fail(ErrorKind::engine, "server: {}", error_message_of(unfinished));
  }
  if (pieces_.empty()) fail(ErrorKind::engine, "server: its answer held no tokens");
  if (done_) return;
  if (finish_reason_.empty()) fail(ErrorKind::network, "server: the stream ended before the answer did");
  flags_.emplace_back("no_end_marker");
}

std::string OpenAiStream::text() const {
  std::string all;
  for (const Piece& piece : pieces_) all += piece.text;
  return all;
}

}  // namespace ifm
