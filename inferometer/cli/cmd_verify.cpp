#include <algorithm>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "inferometer/base/clock.h"
#include "inferometer/base/error.h"
#include "inferometer/cli/app.h"
#include "inferometer/cli/commands.h"
#include "inferometer/cli/input.h"
#include "inferometer/cli/interrupt.h"
#include "inferometer/cli/model_flags.h"
#include "inferometer/cli/terminal.h"
#include "inferometer/cli/verify_output.h"
#include "inferometer/engine/registry.h"
#include "inferometer/hub/resolve.h"
#include "inferometer/measure/engine_options.h"
#include "inferometer/measure/verify.h"
#include "inferometer/measure/verify_text.h"
#include "inferometer/record/plan_engines.h"

namespace ifm {
namespace {

constexpr int kMaxWindow = 1 << 20;
constexpr int kMaxCount = 1 << 30;

struct VerifyFlags {
  std::string model;
  std::string against;  ///< empty: the same model
  std::string engine = "embedded";
  std::string against_engine = "embedded";
  std::string text_file;
  VerifyOptions options;
  bool json = false;
};

/// A side of the comparison, loaded.
struct Side {
  std::unique_ptr<Engine> engine;
  std::unique_ptr<Model> model;
  VerifySide description;
};

Side load_side(const std::string& model, const std::string& engine, const std::string& option, int window, Clock& clock) {
  PlanEngine plan = parse_engine(engine, option);
  if (plan.context == 0) plan.context = window;
  Side side;
  side.engine = make_engine(engine_options_of(plan, Mode::warm, {}), clock);
  const ResolvedModel place = resolve_model(plan.model.empty() ? model : plan.model, HubOptions{});
  side.model = side.engine->load(place.path, place.name);
  side.description = {.engine = plan.id, .version = side.engine->version(), .info = side.model->info()};
  return side;
}

/// A token as a reader sees it.
std::string shown_token(Model& model, TokenId id) {
  const std::string text = printable(model.decode({&id, 1}));
  return text.empty() ? fmt::format("token {}", id) : "'" + text + "'";
}

int verify_command(const VerifyFlags& flags) {
  SteadyClock clock;
  const InterruptGuard guard;
  const int context = std::max(flags.options.window, flags.options.prompt_tokens + 1 + flags.options.continue_tokens);
  Side side = load_side(flags.model, flags.engine, "--engine", context, clock);
  Side reference =
      load_side(flags.against.empty() ? flags.model : flags.against, flags.against_engine, "--against-engine", context, clock);
  const std::string text = flags.text_file.empty() ? std::string(verify_text()) : read_text_file(flags.text_file);
  const std::vector<TokenId> ids = common_ids(*side.model, *reference.model, text);
  const int positions = flags.options.positions > 0 ? std::min(flags.options.positions, static_cast<int>(ids.size()))
                                                    : static_cast<int>(ids.size());
  ProgressBar bar(positions + flags.options.continuations * flags.options.continue_tokens, "verify");
  VerifyReport report{
      .side = side.description,
      .reference = reference.description,
      .found = verify(*side.model, *reference.model, ids, flags.options, guard.token(), [&](int done) { bar.update(done); }),
      .agreement = {},
      .divergent_tokens = {}};
  bar.finish();
  report.agreement = summarize(report.found.positions);
  for (const Divergence& d : report.found.divergences) {
    report.divergent_tokens.push_back(
        fmt::format("{} instead of {}", shown_token(*side.model, d.id), shown_token(*side.model, d.reference_id)));
  }
  if (flags.json) {
    print_json(verify_json(report));
  } else {
    fmt::print("{}", verify_text_of(report));
  }
  return exit_done;
}

}  // namespace

void add_verify(CLI::App& app, CliContext& context) {
  CLI::App* verb = add_verb(
      app, "verify", "How near one model or engine computes what another does: perplexity, KL divergence, same likeliest token",
      "  inferometer verify -m smollm2-135m --against-engine \"{embedded: {accuracy: exact}}\"\n"
      "  inferometer verify -m smollm2-135m-gguf --engine llama_cpp --continuations 50\n"
      "  inferometer verify -m small-q4 --against small-f16 --text book.txt --json\n\n"
      "An engine is written as in a plan. B is the reference. The text is cut into windows that each start from an\n"
      "empty cache; every position is scored with the text's own tokens before it.");
  auto flags = std::make_shared<VerifyFlags>();  // shared with the callback, which outlives this function
  verb->add_option("-m,--model", flags->model, "A: folder, .gguf file or name of a pulled model")->required();
  verb->add_option("--engine", flags->engine, "A's engine")->capture_default_str();
  verb->add_option("--against", flags->against, "B: the same (default: A's model)");
  verb->add_option("--against-engine", flags->against_engine, "B's engine")->capture_default_str();
  verb->add_option("--text", flags->text_file, "UTF-8 file to score (default: 44 kB of prose, documents and code)")
      ->check(CLI::ExistingFile);
  verb->add_option("--positions", flags->options.positions, "At most so many positions (default: the whole text)")
      ->check(number_between(1, kMaxCount));
  verb->add_option("--window", flags->options.window, "Positions that share a cache")
      ->check(number_between(2, kMaxWindow))
      ->capture_default_str();
  verb->add_option("--continuations", flags->options.continuations, "Also continue so many pieces of the text greedily with both")
      ->check(number_between(1, 100'000));
  verb->add_option("--tokens", flags->options.continue_tokens, "Tokens of a continuation")
      ->check(number_between(1, kMaxWindow))
      ->capture_default_str();
  verb->add_flag("--json", flags->json, "Print JSON");
  verb->callback([flags, &context] { context.action = [flags] { return verify_command(*flags); }; });
}

}  // namespace ifm
