#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "inferometer/analysis/metrics.h"
#include "inferometer/cli/app.h"
#include "inferometer/cli/commands.h"
#include "inferometer/cli/input.h"
#include "inferometer/cli/results.h"
#include "inferometer/cli/terminal.h"
#include "inferometer/record/imported.h"
#include "inferometer/render/document.h"
#include "inferometer/report/bench_table.h"

namespace ifm {
namespace {

namespace fs = std::filesystem;

struct ImportFlags {
  std::string from;
  std::string out = "results";
};

int store_imported(ImportedSession imported, const Document& table, const ImportFlags& flags, const std::string& command) {
  for (Run& run : imported.runs) run.metrics = metrics_of(run);
  imported.session.command = command;
  make_writable_folder(flags.out);
  Store store(results_file(flags.out), Store::Access::write);
  const int64_t id = store.add_session(imported.session);
  store.add_runs(id, imported.runs);
  const Document document =
      concatenated({table,
                    {Heading{"What these runs do not say", ""}, Bullets{imported.session.environment.unavailable}},
                    {Gap{}, Paragraph{fmt::format("{} runs are session {} of {}; next: inferometer summary --out {}",
                                                  imported.runs.size(), id, flags.out, flags.out)}}});
  fmt::print("{}", render_text(document, {.width = terminal_width(stdout), .colour = use_colour(stdout)}));
  return exit_done;
}

int import_bench(const ImportFlags& flags, const std::string& command) {
  ImportedSession imported = import_llama_bench(read_text_file(flags.from), fs::path(flags.from).filename().string());
  const Document table{bench_table(imported)};
  return store_imported(std::move(imported), table, flags, command);
}

int import_study(const ImportFlags& flags, const std::string& command) {
  return store_imported(import_latencies(flags.from), {}, flags, command);
}

}  // namespace

void add_import(CLI::App& app, CliContext& context) {
  CLI::App* verb =
      add_verb(app, "import", "Take over results that other programs measured, with a list of what they do not say",
               "  inferometer import llama-bench bench.json\n  inferometer import study raw_results/ --out imported");
  verb->require_subcommand(1);
  auto flags = std::make_shared<ImportFlags>();  // shared with the callbacks, which outlive this function
  const auto add = [&](const char* name, const char* description, const char* example, const char* what,
                       int (*action)(const ImportFlags&, const std::string&)) {
    CLI::App* part = add_verb(*verb, name, description, example);
    part->add_option("from", flags->from, what)->required();
    part->add_option("--out", flags->out, "Results folder that takes them")->capture_default_str();
    part->callback([flags, action, &context] {
      const std::string command = command_line(context);
      context.action = [flags, action, command] { return action(*flags, command); };
    });
  };
  add("llama-bench", "What llama-bench -o json wrote", "  inferometer import llama-bench bench.json --out results", "The file",
      import_bench);
  add("study", "A folder of JSON runs: model, prompt, max_tokens, temperature, latency (seconds), tokens",
      "  inferometer import study raw_results/ --out imported", "The folder", import_study);
}

}  // namespace ifm
