#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "inferometer/base/clock.h"
#include "inferometer/base/error.h"
#include "inferometer/cli/answer_stream.h"
#include "inferometer/cli/app.h"
#include "inferometer/cli/commands.h"
#include "inferometer/cli/input.h"
#include "inferometer/cli/interrupt.h"
#include "inferometer/cli/model_flags.h"
#include "inferometer/cli/sampling_flags.h"
#include "inferometer/cli/terminal.h"

namespace ifm {
namespace {

struct ChatFlags {
  ModelFlags engine;
  std::string model;
  std::string system;
  SamplingFlags sampling;
};

constexpr const char* kHelp =
    "/stats  how fast the last answer was, and what the conversation holds\n"
    "/reset  forget the conversation\n"
    "/help   this\n"
    "/exit   leave (as does the end of the input)\n"
    "Ctrl-C ends an answer; what came of it stays in the conversation.\n";

/// A conversation with a loaded model.
class Chat {
 public:
  Chat(const ChatFlags& flags, Clock& clock)
      : flags_(flags), clock_(clock), loaded_(load_model(flags.model, flags.engine, clock)) {
    reset();
  }

  /// One line of the user. False: leave.
  bool take(const std::string& line) {
    if (line.empty()) return true;
    if (line.front() != '/') {
      answer(line);
    } else if (line == "/exit" || line == "/quit") {
      return false;
    } else if (line == "/reset") {
      reset();
    } else if (line == "/stats") {
      print_statistics();
    } else {
      if (line != "/help") fmt::print(stderr, "{}: unknown (a line that begins with / is a command)\n", printable(line));
      fmt::print(stderr, "{}", kHelp);
    }
    return true;
  }

  [[nodiscard]] std::string greeting() const {
    return fmt::format("{} on {}; /help says what there is besides talking", loaded_.model->info().name, loaded_.engine->name());
  }

 private:
  void reset() {
    request_ = Request{.max_tokens = flags_.sampling.max_tokens, .sampling = flags_.sampling.sampling};
    if (!flags_.system.empty()) request_.messages.push_back({"system", flags_.system});
    statistics_.clear();
  }

  void answer(const std::string& line) {
    request_.messages.push_back({"user", line});
    InterruptGuard guard;
    AnswerStream sink(AnswerStream::Show::text, guard);
    const int64_t start_ns = clock_.now_ns();
    try {
      const Completion completion = loaded_.model->generate(request_, sink, guard.token());
      sink.finish();
      remember_statistics(completion, sink.metrics(completion, start_ns));
    } catch (const Error& error) {
      sink.finish();
      // A server that fails once may answer the next time; what was asked is taken back, so that it can be asked again.
      if (error.kind() == ErrorKind::usage || error.kind() == ErrorKind::interrupted) throw;
      fmt::print(stderr, "{}\n", printable(error.message()));
      request_.messages.pop_back();
      return;
    }
    if (std::ferror(stdout) != 0) fail(ErrorKind::io, "standard output: nobody reads it any more");
    request_.messages.push_back({"assistant", sink.text()});
    ++request_.sampling.seed;  // the same seed would draw the same numbers in every answer
  }

  void remember_statistics(const Completion& completion, const RunMetrics& metrics) {
    statistics_ = fmt::format("{} tokens in, {} out", completion.prompt_tokens, completion.output_tokens);
    if (completion.finish == FinishReason::cancelled) statistics_ += " (interrupted)";
    if (completion.cached_tokens > 0) statistics_ += fmt::format(" | {} of the prompt from a cache", completion.cached_tokens);
    statistics_ += speed_text(metrics);
  }

  void print_statistics() const {
    fmt::print(stderr, "{}\n", statistics_.empty() ? "no answer yet" : statistics_);
    const ModelInfo& info = loaded_.model->info();
    const std::string context = info.context > 0 ? fmt::format(" | context {} tokens", info.context) : "";
    fmt::print(stderr, "{} messages | {} on {}{}\n", request_.messages.size(), info.name, loaded_.engine->name(), context);
  }

  const ChatFlags& flags_;
  Clock& clock_;
  LoadedModel loaded_;
  Request request_;
  std::string statistics_;
};

int chat(const ChatFlags& flags) {
  SteadyClock clock;
  Chat chat(flags, clock);
  const bool prompts = is_terminal(stdin) && is_terminal(stdout);
  if (prompts) fmt::print(stderr, "{}\n", chat.greeting());
  std::string line;
  while (true) {
    if (prompts) {
      fmt::print("> ");
      std::fflush(stdout);
    }
    if (!read_line(stdin, "standard input", line) || !chat.take(line)) return exit_done;
  }
}

}  // namespace

void add_chat(CLI::App& app, CliContext& context) {
  CLI::App* verb = add_verb(app, "chat", "Talk with a model; Ctrl-C ends an answer, /stats says how fast it was",
                            "  inferometer chat -m smollm2-135m\n"
                            "  inferometer chat -m smollm2-135m --url http://127.0.0.1:8080");
  auto flags = std::make_shared<ChatFlags>();  // shared with the callback, which outlives this function
  verb->add_option("-m,--model", flags->model, "Folder, .gguf file or name of a pulled model")->required();
  verb->add_option("--system", flags->system, "System message (default: the template's own)");
  flags->sampling.max_tokens = 1024;
  flags->sampling.sampling.temperature = 0.7;
  add_sampling_flags(*verb, flags->sampling);
  add_model_flags(*verb, flags->engine);
  verb->callback([flags, &context] { context.action = [flags] { return chat(*flags); }; });
}

}  // namespace ifm
