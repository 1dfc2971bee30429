#include "inferometer/measure/token_recorder.h"

#include <algorithm>
#include <utility>

namespace ifm {
namespace {

constexpr std::size_t kTextBytesPerToken = 16;
constexpr std::size_t kMaxTextReserve = std::size_t{16} << 20U;

/// Makes room and writes to it once, so that no page is first touched inside a timing.
template <typename Container>
void make_room(Container& container, std::size_t size) {
  container.resize(size);
  container.clear();
}

int64_t ns_of(double seconds) { return static_cast<int64_t>(seconds * 1e9); }

}  // namespace

TokenRecorder::TokenRecorder(Clock& clock, int max_tokens, const PlanTimeouts& timeouts, StopSource source)
    : clock_(clock),
      first_limit_ns_(ns_of(timeouts.first_token_s)),
      gap_limit_ns_(ns_of(timeouts.gap_s)),
      source_(std::move(source)) {
  const auto count = static_cast<std::size_t>(max_tokens);
  make_room(received_ns_, count);
  make_room(tokens_, count);
  make_room(ids_, count);
  make_room(text_, std::min(count * kTextBytesPerToken, kMaxTextReserve));
}

void TokenRecorder::on_tokens(const TokenEvent& event) {
  // A server's event was received when its socket was read, before it was parsed.
  const int64_t now_ns = event.ids.empty() ? event.received_ns : clock_.now_ns();
  received_ns_.push_back(now_ns);
  tokens_.push_back(static_cast<int>(event.ids.size()));
  ids_.insert(ids_.end(), event.ids.begin(), event.ids.end());
  text_.append(event.text);
  if (!first_text_ns_ && !event.text.empty()) first_text_ns_ = now_ns;
  const int64_t limit_ns = received_ns_.size() == 1 ? first_limit_ns_ : gap_limit_ns_;
  if (now_ns - last_ns_ > limit_ns) {
    late_ = true;
    source_.request_stop();
  }
  last_ns_ = now_ns;
  events_.fetch_add(1, std::memory_order_relaxed);
}

}  // namespace ifm
