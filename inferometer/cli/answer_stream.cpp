#include "inferometer/cli/answer_stream.h"

#include <cstdio>

#include <fmt/format.h>

#include "inferometer/cli/output.h"
#include "inferometer/cli/terminal.h"
#include "inferometer/record/run.h"

namespace ifm {

AnswerStream::AnswerStream(Show show, InterruptGuard& guard) : show_(show), escape_(is_terminal(stdout)), guard_(guard) {}

void AnswerStream::on_tokens(const TokenEvent& event) {
  received_ns_.push_back(event.received_ns);
  counts_.push_back(static_cast<int>(event.ids.size()));
  ids_.insert(ids_.end(), event.ids.begin(), event.ids.end());
  text_ += event.text;
  if (show_ == Show::text && !event.text.empty()) show(event.text);
}

void AnswerStream::show(std::string_view piece) {
  const std::string safe = escape_ ? printable(piece) : std::string(piece);
  // Nobody reads any more: there is no reason to go on.
  if (std::fwrite(safe.data(), 1, safe.size(), stdout) != safe.size() || std::fflush(stdout) != 0) guard_.request_stop();
}

RunMetrics AnswerStream::metrics(const Completion& completion, int64_t start_ns) const {
  Run run;
  run.start_ns = start_ns;
  run.prefill_begin_ns = completion.prefill_begin_ns;
  run.prefill_end_ns = completion.prefill_end_ns;
  run.prompt_tokens = completion.prompt_tokens;
  run.cached_tokens = completion.cached_tokens;
  run.output_tokens = completion.output_tokens;
  for (const int64_t at_ns : received_ns_) run.stamps.offset_ns.push_back(at_ns - start_ns);
  run.stamps.tokens = completion.event_tokens.empty() ? counts_ : completion.event_tokens;
  if (completion.server) run.server_prefill_ns = completion.server->prefill_ns;
  run.flags = completion.flags;
  return metrics_of(run);
}

std::string speed_text(const RunMetrics& metrics) {
  std::string text;
  if (metrics.ttft_s) text += fmt::format(" | first token after {:.3f} s", *metrics.ttft_s);
  if (metrics.decode_tok_per_s) text += fmt::format(" | decode {:.1f} tok/s", *metrics.decode_tok_per_s);
  if (metrics.prefill_tok_per_s) text += fmt::format(" | prefill {:.1f} tok/s", *metrics.prefill_tok_per_s);
  return text;
}

void AnswerStream::finish() const {
  if (show_ == Show::text && (text_.empty() || text_.back() != '\n')) std::fputc('\n', stdout);
  std::fflush(stdout);
}

}  // namespace ifm
