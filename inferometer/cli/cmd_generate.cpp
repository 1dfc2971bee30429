#include <cstdint>
#include <cstdio>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "inferometer/analysis/metrics.h"
#include "inferometer/base/clock.h"
#include "inferometer/base/error.h"
#include "inferometer/cli/app.h"
#include "inferometer/cli/commands.h"
#include "inferometer/cli/input.h"
#include "inferometer/cli/interrupt.h"
#include "inferometer/cli/model_flags.h"
#include "inferometer/cli/output.h"
#include "inferometer/cli/terminal.h"

namespace ifm {
namespace {

constexpr int kMaxTokens = 1 << 24;

struct GenerateFlags {
  ModelFlags engine;
  std::string model;
  std::string prompt;
  std::string system;
  int max_tokens = 256;
  SamplingParams sampling;
  bool ignore_eos = false;
  bool raw = false;
  std::vector<std::string> stop;
  bool json = false;
};

/// Keeps what arrives, with its stamps, and shows the text at once unless JSON was asked for.
class StreamSink final : public TokenSink {
 public:
  enum class Show { nothing, text };
  StreamSink(Show show, InterruptGuard& guard) : show_(show), escape_(is_terminal(stdout)), guard_(guard) {}

  void on_tokens(const TokenEvent& event) override {
    received_ns.push_back(event.received_ns);
    counts.push_back(static_cast<int>(event.ids.size()));
    ids.insert(ids.end(), event.ids.begin(), event.ids.end());
    text += event.text;
    if (show_ == Show::text && !event.text.empty()) show(event.text);
  }

  std::vector<int64_t> received_ns;
  std::vector<int> counts;
  std::vector<TokenId> ids;
  std::string text;

 private:
  void show(std::string_view piece) {
    const std::string safe = escape_ ? printable(piece) : std::string(piece);
    // Nobody reads any more: there is no reason to go on.
    if (std::fwrite(safe.data(), 1, safe.size(), stdout) != safe.size() || std::fflush(stdout) != 0) guard_.request_stop();
  }

  Show show_;
  bool escape_;
  InterruptGuard& guard_;
};

Request make_request(const GenerateFlags& flags) {
  Request request;
  const std::string prompt = flags.prompt == "-" ? read_input(stdin, "standard input") : flags.prompt;
  if (flags.raw && !flags.system.empty())
    fail(ErrorKind::usage, "--system: has no place in a raw prompt (leave out --raw or --system)");
  request.form = flags.raw ? PromptForm::raw : PromptForm::chat;
  if (!flags.system.empty()) request.messages.push_back({"system", flags.system});
  request.messages.push_back({"user", prompt});
  request.max_tokens = flags.max_tokens;
  request.sampling = flags.sampling;
  request.ignore_eos = flags.ignore_eos;
  for (const std::string& stop : flags.stop) {
    if (stop.empty()) fail(ErrorKind::usage, "--stop: is empty (expected the text that ends the answer)");
  }
  request.stop = flags.stop;
  return request;
}

/// The request as a run of the laboratory, so that its metrics are computed in the one place where they are defined.
Run as_run(const Completion& completion, const StreamSink& sink, int64_t start_ns) {
  Run run;
  run.start_ns = start_ns;
  run.prefill_begin_ns = completion.prefill_begin_ns;
  run.prefill_end_ns = completion.prefill_end_ns;
  run.prompt_tokens = completion.prompt_tokens;
  run.cached_tokens = completion.cached_tokens;
  run.output_tokens = completion.output_tokens;
  for (const int64_t at_ns : sink.received_ns) run.stamps.offset_ns.push_back(at_ns - start_ns);
  run.stamps.tokens = completion.event_tokens.empty() ? sink.counts : completion.event_tokens;
  if (completion.server) run.server_prefill_ns = completion.server->prefill_ns;
  run.flags = completion.flags;
  return run;
}

/// Of the passes after the prompt's; null without speculation, or without such passes.
std::optional<double> tokens_per_step(const Completion& completion) {
  if (!completion.speculated || completion.speculated->steps == 0) return std::nullopt;
  return static_cast<double>(completion.output_tokens - 1) / completion.speculated->steps;
}

Json to_json(const GenerateFlags& flags, const LoadedModel& loaded, const std::vector<TokenId>& prompt_ids,
             const Completion& completion, const StreamSink& sink, const RunMetrics& metrics) {
  Json out;
  out["model"] = loaded.model->info().name;
  out["engine"] = loaded.engine->name();
  out["prompt_tokens"] = completion.prompt_tokens;
  out["output_tokens"] = completion.output_tokens;
  out["prompt_ids"] = prompt_ids.empty() ? Json(nullptr) : Json(prompt_ids);
  out["output_ids"] = completion.event_tokens.empty() ? sink.ids : completion.ids;
  out["text"] = sink.text;
  out["finish_reason"] = to_string(completion.finish);
  out["seed"] = flags.sampling.seed;
  out["temperature"] = flags.sampling.temperature;
  out["load_s"] = loaded.load_s;
  out["ttft_s"] = json_or_null(metrics.ttft_s);
  out["e2e_s"] = json_or_null(metrics.e2e_s);
  out["prefill_tok_per_s"] = json_or_null(metrics.prefill_tok_per_s);
  out["decode_tok_per_s"] = json_or_null(metrics.decode_tok_per_s);
  const std::optional<Speculated>& speculated = completion.speculated;
  out["drafted_tokens"] = speculated ? Json(speculated->drafted_tokens) : Json(nullptr);
  out["accepted_tokens"] = speculated ? Json(speculated->accepted_tokens) : Json(nullptr);
  out["tokens_per_step"] = json_or_null(tokens_per_step(completion));
  return out;
}

void print_statistics(const LoadedModel& loaded, const Completion& completion, const RunMetrics& metrics) {
  const ModelInfo& info = loaded.model->info();
  std::string line = fmt::format("{} tokens in, {} out", completion.prompt_tokens, completion.output_tokens);
  if (metrics.ttft_s) line += fmt::format(" | first token after {:.3f} s", *metrics.ttft_s);
  if (metrics.decode_tok_per_s) line += fmt::format(" | decode {:.1f} tok/s", *metrics.decode_tok_per_s);
  if (metrics.prefill_tok_per_s) line += fmt::format(" | prefill {:.1f} tok/s", *metrics.prefill_tok_per_s);
  if (const auto& speculated = completion.speculated) {
    line += fmt::format(" | {} of {} guesses right", speculated->accepted_tokens, speculated->drafted_tokens);
    if (const auto per_step = tokens_per_step(completion)) line += fmt::format(", {:.2f} tokens a step", *per_step);
  }
  line += fmt::format(" | load {:.2f} s", loaded.load_s);
  if (info.threads > 0) line += fmt::format(" | {} {}, threads {}", loaded.engine->name(), info.isa, info.threads);
  fmt::print(stderr, "[{}]\n", line);
}

int generate(const GenerateFlags& flags) {
  const Request request = make_request(flags);
  SteadyClock clock;
  const LoadedModel loaded = load_model(flags.model, flags.engine, clock);
  const std::vector<TokenId> prompt_ids = loaded.model->encode(request);

  InterruptGuard guard;
  StreamSink sink(flags.json ? StreamSink::Show::nothing : StreamSink::Show::text, guard);
  const int64_t start_ns = clock.now_ns();
  const Completion completion = loaded.model->generate(request, sink, guard.token());
  const RunMetrics metrics = metrics_of(as_run(completion, sink, start_ns));

  if (!flags.json && (sink.text.empty() || sink.text.back() != '\n')) std::fputc('\n', stdout);
  std::fflush(stdout);
  if (completion.finish == FinishReason::cancelled) {
    if (std::ferror(stdout) != 0) return exit_done;  // main says why, when it is worth a word
    fail(ErrorKind::interrupted, "generate: interrupted after {} tokens", completion.output_tokens);
  }
  if (flags.json) {
    print_json(to_json(flags, loaded, prompt_ids, completion, sink, metrics));
  } else {
    print_statistics(loaded, completion, metrics);
  }
  return exit_done;
}

void add_sampling(CLI::App& verb, GenerateFlags& flags) {
  SamplingParams& sampling = flags.sampling;
  verb.add_option("-n,--max-tokens", flags.max_tokens, "Most tokens to generate")
      ->check(number_between(1, kMaxTokens))
      ->capture_default_str();
  verb.add_option("--temp", sampling.temperature, "Temperature; 0 always takes the likeliest token")
      ->check(number_between(0.0, 100.0))
      ->capture_default_str();
  verb.add_option("--top-p", sampling.top_p, "Keep the likeliest tokens that together reach this probability")
      ->check(number_between(0.0, 1.0))
      ->capture_default_str();
  verb.add_option("--top-k", sampling.top_k, "Keep this many of the likeliest tokens; 0 = all")
      ->check(number_between(0, kMaxTokens))
      ->capture_default_str();
  verb.add_option("--min-p", sampling.min_p, "Keep tokens of at least this share of the likeliest one's probability")
      ->check(number_between(0.0, 1.0))
      ->capture_default_str();
  verb.add_option("--seed", sampling.seed, "Seed; the same one gives the same text")
      ->check(number_between(uint64_t{0}, std::numeric_limits<uint64_t>::max()))
      ->capture_default_str();
}

}  // namespace

void add_generate(CLI::App& app, CliContext& context) {
  CLI::App* verb =
      add_verb(app, "generate", "Answer a prompt; the text streams to standard output, the speed to standard error",
               "  inferometer generate -m smollm2-135m -p \"Why is the sky blue?\" -n 64\n"
               "  echo \"Name three rivers.\" | inferometer generate -m smollm2-135m -p - --temp 0.7 --seed 1 --json");
  auto flags = std::make_shared<GenerateFlags>();  // shared with the callback, which outlives this function
  verb->add_option("-m,--model", flags->model, "Folder, .gguf file or name of a pulled model")->required();
  verb->add_option("-p,--prompt", flags->prompt, "The user's message; - reads standard input")->required();
  verb->add_option("--system", flags->system, "System message (default: the template's own)");
  add_sampling(*verb, *flags);
  verb->add_option("--stop", flags->stop, "End the answer after this text; may be given several times")->expected(1)->take_all();
  verb->add_flag("--ignore-eos", flags->ignore_eos, "Do not end at the model's end token");
  verb->add_flag("--raw", flags->raw, "Give the text to the model as it is, without its chat template");
  verb->add_flag("--json", flags->json, "Print one JSON object instead of the text");
  add_model_flags(*verb, flags->engine);
  verb->add_option(
          "--speculate", flags->engine.speculate,
          "Guess tokens ahead, as the text went on before, and check several at once: the same text, sooner where it repeats")
      ->check(CLI::IsMember({"off", "lookup"}))
      ->capture_default_str();
  verb->callback([flags, &context] { context.action = [flags] { return generate(*flags); }; });
}

}  // namespace ifm
