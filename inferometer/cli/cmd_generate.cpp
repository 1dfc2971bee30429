#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "inferometer/analysis/metrics.h"
#include "inferometer/base/clock.h"
#include "inferometer/base/error.h"
#include "inferometer/cli/answer_stream.h"
#include "inferometer/cli/app.h"
#include "inferometer/cli/commands.h"
#include "inferometer/cli/input.h"
#include "inferometer/cli/interrupt.h"
#include "inferometer/cli/model_flags.h"
#include "inferometer/cli/output.h"
#include "inferometer/cli/sampling_flags.h"

namespace ifm {
namespace {

struct GenerateFlags {
  ModelFlags engine;
  std::string model;
  std::string prompt;
  std::string system;
  SamplingFlags sampling;
  bool ignore_eos = false;
  bool raw = false;
  std::vector<std::string> stop;
  bool json = false;
};

Request make_request(const GenerateFlags& flags) {
  Request request;
  const std::string prompt = flags.prompt == "-" ? read_input(stdin, "standard input") : flags.prompt;
  if (flags.raw && !flags.system.empty())
    fail(ErrorKind::usage, "--system: has no place in a raw prompt (leave out --raw or --system)");
  request.form = flags.raw ? PromptForm::raw : PromptForm::chat;
  if (!flags.system.empty()) request.messages.push_back({"system", flags.system});
  request.messages.push_back({"user", prompt});
  request.max_tokens = flags.sampling.max_tokens;
  request.sampling = flags.sampling.sampling;
  request.ignore_eos = flags.ignore_eos;
  for (const std::string& stop : flags.stop) {
    if (stop.empty()) fail(ErrorKind::usage, "--stop: is empty (expected the text that ends the answer)");
  }
  request.stop = flags.stop;
  return request;
}

/// Of the passes after the prompt's; null without speculation, or without such passes.
std::optional<double> tokens_per_step(const Completion& completion) {
  if (!completion.speculated || completion.speculated->steps == 0) return std::nullopt;
  return static_cast<double>(completion.output_tokens - 1) / completion.speculated->steps;
}

Json to_json(const GenerateFlags& flags, const LoadedModel& loaded, const std::vector<TokenId>& prompt_ids,
             const Completion& completion, const AnswerStream& sink, const RunMetrics& metrics) {
  Json out;
  out["model"] = loaded.model->info().name;
  out["engine"] = loaded.engine->name();
  out["prompt_tokens"] = completion.prompt_tokens;
  out["output_tokens"] = completion.output_tokens;
  out["prompt_ids"] = prompt_ids.empty() ? Json(nullptr) : Json(prompt_ids);
  out["output_ids"] = sink.ids(completion);
  out["text"] = sink.text();
  out["finish_reason"] = to_string(completion.finish);
  out["seed"] = flags.sampling.sampling.seed;
  out["temperature"] = flags.sampling.sampling.temperature;
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
  line += speed_text(metrics);
  if (const auto& speculated = completion.speculated) {
    line += fmt::format(" | {} of {} guesses right", speculated->accepted_tokens, speculated->drafted_tokens);
    if (const auto per_step = tokens_per_step(completion)) line += fmt::format(", {:.2f} tokens a step", *per_step);
  }
  line += fmt::format(" | load {:.2f} s", loaded.load_s);
  if (info.threads > 0) line += fmt::format(" | {} {}, threads {}", loaded.engine->name(), info.isa, info.threads);
  fmt::print(stderr, "[{}]\n", line);
  if (std::ranges::find(completion.flags, "double_bos") != completion.flags.end())
    fmt::print(stderr, "note: the prompt began with two BOS tokens, of which one was left out\n");
}

int generate(const GenerateFlags& flags) {
  const Request request = make_request(flags);
  SteadyClock clock;
  const LoadedModel loaded = load_model(flags.model, flags.engine, clock);
  const std::vector<TokenId> prompt_ids = loaded.model->encode(request);

  InterruptGuard guard;
  AnswerStream sink(flags.json ? AnswerStream::Show::nothing : AnswerStream::Show::text, guard);
  const int64_t start_ns = clock.now_ns();
  const Completion completion = loaded.model->generate(request, sink, guard.token());
  const RunMetrics metrics = sink.metrics(completion, start_ns);
  sink.finish();
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
  add_sampling_flags(*verb, flags->sampling);
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
