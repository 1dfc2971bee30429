#include "inferometer/measure/one_run.h"

#include <exception>
#include <new>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "inferometer/base/check.h"
#include "inferometer/base/error.h"
#include "inferometer/measure/checks.h"
#include "inferometer/measure/token_recorder.h"
#include "inferometer/measure/watchdog.h"

namespace ifm {
namespace {

/// What the sink has kept, into the run's columns; times become offsets.
void write_down(Run& run, const TokenRecorder& recorder, SessionOrigin origin) {
  const int64_t start_ns = run.start_ns + origin.ns;
  for (const int64_t received_ns : recorder.received_ns()) run.stamps.offset_ns.push_back(received_ns - start_ns);
  run.stamps.tokens = recorder.tokens();
  if (recorder.first_text_ns()) run.first_text_ns = *recorder.first_text_ns() - origin.ns;
  run.output_ids = recorder.ids();
  run.text = recorder.text();
  run.ids_hash = hash_of_ids(run.output_ids);
}

/// What a server's events held, which is known only now: one without a token is no event, and those that one read of the socket
/// returned arrived together, as one.
void set_event_tokens(Run& run, const Completion& done) {
  IFM_CHECK(done.event_tokens.size() == run.stamps.tokens.size());
  TokenStamps stamps;
  for (std::size_t i = 0; i < done.event_tokens.size(); ++i) {
    if (done.event_tokens[i] == 0) continue;
    if (!stamps.offset_ns.empty() && stamps.offset_ns.back() == run.stamps.offset_ns[i]) {
      stamps.tokens.back() += done.event_tokens[i];
      continue;
    }
    stamps.offset_ns.push_back(run.stamps.offset_ns[i]);
    stamps.tokens.push_back(done.event_tokens[i]);
  }
  run.stamps = std::move(stamps);
  run.output_ids = done.ids;
  run.ids_hash = run.output_ids.empty() ? "" : hash_of_ids(run.output_ids);
}

void write_down(Run& run, const Completion& done, SessionOrigin origin) {
  const auto since = [&](const std::optional<int64_t>& ns) {
    return ns ? std::optional<int64_t>(*ns - origin.ns) : std::nullopt;
  };
  run.engine_start_ns = done.start_ns - origin.ns;
  run.engine_end_ns = done.end_ns - origin.ns;
  run.prefill_begin_ns = since(done.prefill_begin_ns);
  run.prefill_end_ns = since(done.prefill_end_ns);
  run.prompt_tokens = done.prompt_tokens;
  run.cached_tokens = done.cached_tokens;
  run.output_tokens = done.output_tokens;
  if (done.speculated) {
    run.drafted_tokens = done.speculated->drafted_tokens;
    run.accepted_tokens = done.speculated->accepted_tokens;
    run.decode_steps = done.speculated->steps;
  }
  run.connect_ns = done.connect_ns;
  if (done.server) {
    run.server_prefill_ns = done.server->prefill_ns;
    run.server_decode_ns = done.server->decode_ns;
    run.server_decode_tokens = done.server->decode_tokens;
  }
  if (!done.event_tokens.empty()) set_event_tokens(run, done);
  run.count_source = to_string(done.source);
  run.finish_reason = to_string(done.finish);
}

/// The engine's answer; null after an error, which is then in the run.
std::optional<Completion> generate(Run& run, Model& model, const Request& request, TokenRecorder& recorder,
                                   const StopSource& source) {
  try {
    return model.generate(request, recorder, source.get_token());
  } catch (const Error& error) {
    set_failed(run, to_string(error.kind()), error.message());
  } catch (const std::bad_alloc&) {
    set_failed(run, to_string(ErrorKind::resource), "engine: out of memory");
  } catch (const std::exception& error) {
    // A library's exception from inside an engine ends this run, not the session.
    set_failed(run, to_string(ErrorKind::engine), fmt::format("engine: {}", error.what()));
  }
  return std::nullopt;
}

}  // namespace

Request request_of(const Plan& plan, const Cell& cell, uint64_t seed) {
  const PlanPrompt& prompt = plan.prompts[static_cast<std::size_t>(cell.prompt)];
  Request request;
  request.form = prompt.raw ? PromptForm::raw : PromptForm::chat;
  request.messages = {{.role = "user", .content = prompt.text}};
  request.max_tokens = cell.max_tokens;
  request.sampling.temperature = cell.temperature;
  request.sampling.top_k = plan.top_k;
  request.sampling.top_p = plan.top_p;
  request.sampling.min_p = plan.min_p;
  request.sampling.seed = seed;
  request.ignore_eos = plan.ignore_eos;
  return request;
}

void set_failed(Run& run, const std::string& kind, const std::string& message) {
  run.status = RunStatus::failed;
  run.error_kind = kind;
  run.error_message = message;
}

void perform(Run& run, RunStart start, Model& model, const Request& request, const PlanTimeouts& timeouts, Clock& clock,
             SessionOrigin origin) {
  const StopSource source;
  TokenRecorder recorder(clock, request.max_tokens, timeouts, source);
  std::optional<Completion> done;
  bool stalled = false;
  int64_t handed_over_ns = 0;
  {
    const Watchdog watchdog(recorder, timeouts, source);
    // Nothing may stand between this stamp and the request.
    handed_over_ns = clock.now_ns();
    recorder.begin(handed_over_ns);
    done = generate(run, model, request, recorder, source);
    stalled = watchdog.fired();
  }
  if (start == RunStart::now) {
    run.start_ns = handed_over_ns - origin.ns;
    run.intended_start_ns = run.start_ns;  // one request at a time: each starts when it can
  }
  write_down(run, recorder, origin);
  if (done) write_down(run, *done, origin);
  if (stalled || recorder.late()) {
    set_failed(run, to_string(ErrorKind::timeout),
               fmt::format("timeouts: {} (expected the first token within {} s and each other within {} s of the one before)",
                           recorder.events() == 0 || (recorder.late() && recorder.events() == 1) ? "no first token in time"
                                                                                                 : "the stream of tokens stalled",
                           timeouts.first_token_s, timeouts.gap_s));
  } else if (done) {
    check_run(run, *done, request, handed_over_ns - origin.ns);
  }
}

}  // namespace ifm
