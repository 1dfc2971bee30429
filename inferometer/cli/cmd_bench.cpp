#include <algorithm>
#include <cstdio>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "inferometer/base/clock.h"
#include "inferometer/base/error.h"
#include "inferometer/cli/app.h"
#include "inferometer/cli/bench_output.h"
#include "inferometer/cli/commands.h"
#include "inferometer/cli/interrupt.h"
#include "inferometer/cli/model_flags.h"
#include "inferometer/cli/number_list.h"
#include "inferometer/cli/terminal.h"
#include "inferometer/kernel/limits.h"

namespace ifm {
namespace {

constexpr int kMaxTokens = 1 << 20;
constexpr int kMaxThreads = 1024;
constexpr int kMaxParallel = 512;
constexpr int64_t kReadLimitNs = 150'000'000;
constexpr int64_t kPeakLimitNs = 50'000'000;

struct BenchFlags {
  ModelFlags engine;
  std::vector<std::string> models;
  std::string prompts = "512";
  std::string generations = "128";
  std::string depths = "0";
  std::string parallel = "1";
  std::string threads;
  int repetitions = 5;
  std::string output = "md";
  bool no_limits = false;
};

/// Prints rows as the format allows: one by one (jsonl, csv) or all together at the end.
class Writer {
 public:
  explicit Writer(std::string format) : format_(std::move(format)) {}

  void add(const BenchRecord& record) {
    if (format_ == "csv") put((records_.empty() ? bench_csv_header() : "") + bench_csv_line(record));
    if (format_ == "jsonl") put(bench_json(record).dump(-1, ' ', false, Json::error_handler_t::replace) + "\n");
    records_.push_back(record);
  }

  void finish() const {
    if (format_ == "md") put(bench_markdown(records_));
    if (format_ != "json") return;
    Json list = Json::array();
    for (const BenchRecord& record : records_) list.push_back(bench_json(record));
    print_json(list);
  }

 private:
  static void put(const std::string& text) {
    std::fwrite(text.data(), 1, text.size(), stdout);
    std::fflush(stdout);
  }
  std::string format_;
  std::vector<BenchRecord> records_;
};

void bench_model(const std::string& name, const BenchFlags& flags, const std::vector<BenchRow>& rows, const InterruptGuard& guard,
                 Writer& writer) {
  SteadyClock clock;
  const LoadedModel loaded = load_model(name, flags.engine, clock);
  const ModelInfo& info = loaded.model->info();
  Evaluator* evaluator = loaded.model->evaluator();
  if (evaluator == nullptr) {
    fail(ErrorKind::unsupported, "bench: the engine {} shows no bare evaluation (expected an engine such as embedded)",
         loaded.engine->name());
  }
  const int threads = std::max(1, info.threads);
  // Without the model's bytes and multiply-adds there is no share that the limits could serve.
  const bool no_shares = flags.no_limits || (!info.bytes_per_token && !info.macs_per_token);
  const auto limits_for = [&](const BenchRow& row) -> std::function<BenchLimits()> {
    if (no_shares) return [] { return BenchLimits{}; };
    return [threads, isa = info.isa, working_set = working_set_bytes(row, info)] {
      const Peak int8 = measure_int8_peak(threads, kPeakLimitNs, isa);
      return BenchLimits{.read_gb_per_s = measure_read_gb_per_s(threads, working_set, kReadLimitNs),
                         .int8_gmac_per_s = int8.gmac_per_s,
                         .int8_instruction = std::string(int8.instruction)};
    };
  };
  ProgressBar bar(static_cast<int64_t>(rows.size()) * (flags.repetitions + 1), fmt::format("bench {}", name));
  int64_t done = 0;
  for (const BenchRow& row : rows) {
    bar.update(done, row_name(row));
    writer.add({loaded.engine->name(), info,
                measure_row(
                    row, flags.repetitions, info, *evaluator, clock, limits_for(row), [&] { bar.update(++done, row_name(row)); },
                    guard.token())});
  }
  bar.finish();
}

int bench(BenchFlags flags) {
  const std::vector<BenchRow> rows = bench_rows(
      parse_number_list(flags.prompts, "-p", 0, kMaxTokens), parse_number_list(flags.generations, "-n", 0, kMaxTokens),
      parse_number_list(flags.depths, "-d", 0, kMaxTokens), parse_number_list(flags.parallel, "--parallel", 1, kMaxParallel));
  if (rows.empty()) fail(ErrorKind::usage, "bench: nothing to measure (expected -p or -n above 0)");
  std::vector<int> threads{0};
  if (!flags.threads.empty()) threads = parse_number_list(flags.threads, "-t", 1, kMaxThreads);
  flags.engine.parallel = needed_sequences(rows);
  if (flags.engine.context == 0) flags.engine.context = needed_context(rows);
  if (flags.engine.context < needed_context(rows)) {
    fail(ErrorKind::usage, "--ctx: too small for these rows (expected at least {}, got {})", needed_context(rows),
         flags.engine.context);
  }
  const InterruptGuard guard;
  Writer writer(flags.output);
  for (const std::string& model : flags.models) {
    for (const int count : threads) {
      flags.engine.threads = count;
      bench_model(model, flags, rows, guard, writer);
    }
  }
  writer.finish();
  return exit_done;
}

}  // namespace

void add_bench(CLI::App& app, CliContext& context) {
  CLI::App* verb =
      add_verb(app, "bench", "Bare speed of a model: prompts (pp) and single tokens (tg), beside what the machine allows",
               "  inferometer bench -m smollm2-135m\n"
               "  inferometer bench -m smollm2-135m -p 128-512+128 -n 64 -d 0,2048 -t 1,2 -o json\n"
               "  inferometer bench -m smollm2-135m -p 0 -n 64 --parallel 1,2,4,8\n\n"
               "Rows are named as llama-bench names them: ppP evaluates P tokens in one go, tgN evaluates N single\n"
               "tokens, from depth d; no sampling, no text. tgN x S does it in S sequences together, and counts\n"
               "the tokens of all. So tg is not 1/TPOT: what a reader of a stream sees is\n"
               "in `inferometer run`. Shares are of limits measured before and after each sample: read bandwidth, and\n"
               "the int8 peak of the kernels' instruction set, with each multiply-add of the model counted once;\n"
               "medians over the samples during which the limits held still.");
  auto flags = std::make_shared<BenchFlags>();  // shared with the callback, which outlives this function
  verb->add_option("-m,--model", flags->models, "Folder, .gguf file or name of a pulled model; several are measured in turn")
      ->required()
      ->expected(1)
      ->take_all();
  verb->add_option("-p,--n-prompt", flags->prompts, "Prompt lengths: lists and ranges, 0 = none")->capture_default_str();
  verb->add_option("-n,--n-gen", flags->generations, "Numbers of single tokens: lists and ranges, 0 = none")
      ->capture_default_str();
  verb->add_option("-d,--n-depth", flags->depths, "Tokens in the context before: lists and ranges")->capture_default_str();
  verb->add_option("--parallel", flags->parallel, "Sequences whose single tokens are evaluated together: lists and ranges")
      ->capture_default_str();
  verb->add_option("-r,--repetitions", flags->repetitions, "Samples of each row, after a warm-up that is not kept")
      ->check(number_between(1, 10000))
      ->capture_default_str();
  verb->add_option("-o,--output", flags->output, "Format")
      ->check(CLI::IsMember({"md", "csv", "json", "jsonl"}))
      ->capture_default_str();
  verb->add_flag("--no-limits", flags->no_limits, "Do not measure what the machine allows: sooner done, and no shares");
  add_model_flags(*verb, flags->engine);
  verb->remove_option(verb->get_option("--threads"));
  verb->add_option("-t,--threads", flags->threads, "Numbers of threads: lists and ranges (default: one for each physical core)");
  verb->callback([flags, &context] { context.action = [flags] { return bench(*flags); }; });
}

}  // namespace ifm
