// What the laboratory itself costs: reading a results file and its tables, every gap between tokens, a comparison, and what is
// added to a token while it is measured. Every measurement runs in a process of its own: seconds (best, median) and its largest
// resident set.
//   make-results --file /tmp/1m/inferometer.db --runs 1000000 && make-results --file /tmp/pairs/inferometer.db --pairs 10000
//   analysis-bench --results /tmp/1m --pairs /tmp/pairs
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "inferometer/analysis/comparison.h"
#include "inferometer/analysis/study.h"
#include "inferometer/base/clock.h"
#include "inferometer/base/error.h"
#include "inferometer/cli/results.h"
#include "inferometer/engine/simulated.h"
#include "inferometer/measure/one_run.h"
#include "inferometer/measure/probe.h"
#include "inferometer/record/store.h"
#include "inferometer/report/csv_files.h"
#include "inferometer/report/summary.h"
#include "inferometer/stats/describe.h"

namespace {

using namespace ifm;
namespace fs = std::filesystem;

constexpr double kNs = 1e-9;

struct Options {
  fs::path results;
  fs::path pairs;
  int rounds = 5;
};

/// What one process measured: seconds of its parts, and its peak.
struct Cost {
  std::vector<double> parts_s;
  double cpu_s = 0;  ///< of all, user and system: what a busy machine does not change much
  double peak_mib = 0;
};

/// Does `work` in a child, which times its own parts. @throws Error io when it fails.
Cost in_child(const std::function<std::vector<double>()>& work) {
  int pipe_ends[2];
  if (pipe(pipe_ends) != 0) fail(ErrorKind::io, "analysis-bench: no pipe");
  const pid_t child = fork();
  if (child == 0) {
    close(pipe_ends[0]);
    std::vector<double> parts;
    try {
      parts = work();
    } catch (const Error& error) {
      fmt::print(stderr, "analysis-bench: {}\n", error.message());
      _exit(1);
    }
    const auto size = static_cast<ssize_t>(parts.size() * sizeof(double));
    _exit(write(pipe_ends[1], parts.data(), static_cast<std::size_t>(size)) == size ? 0 : 1);
  }
  close(pipe_ends[1]);
  Cost cost;
  double part = 0;
  while (read(pipe_ends[0], &part, sizeof part) == static_cast<ssize_t>(sizeof part)) cost.parts_s.push_back(part);
  close(pipe_ends[0]);
  int status = 0;
  rusage usage{};
  wait4(child, &status, 0, &usage);
  if (status != 0) fail(ErrorKind::io, "analysis-bench: a measurement failed");
  for (const timeval& used : {usage.ru_utime, usage.ru_stime})
    cost.cpu_s += static_cast<double>(used.tv_sec) + static_cast<double>(used.tv_usec) * 1e-6;
  cost.peak_mib = static_cast<double>(usage.ru_maxrss) / 1024;
  return cost;
}

double seconds_of(const std::function<void()>& work) {
  SteadyClock clock;
  const int64_t begin_ns = clock.now_ns();
  work();
  return static_cast<double>(clock.now_ns() - begin_ns) * kNs;
}

/// One row per part: a measurement is repeated in fresh processes.
void print_rows(const std::vector<std::string>& names, int rounds, const std::function<std::vector<double>()>& work) {
  std::vector<std::vector<double>> parts(names.size());
  std::vector<double> cpu_s;
  double peak_mib = 0;
  for (int round = 0; round < rounds; ++round) {
    const Cost cost = in_child(work);
    for (std::size_t i = 0; i < names.size(); ++i) parts[i].push_back(cost.parts_s.at(i));
    cpu_s.push_back(cost.cpu_s);
    peak_mib = std::max(peak_mib, cost.peak_mib);
  }
  for (std::size_t i = 0; i < names.size(); ++i) {
    fmt::print("| {} | {:.3f} | {:.3f} | {:.2f} | {:.0f} |\n", names[i], *stats::minimum(parts[i]), *stats::median(parts[i]),
               *stats::minimum(cpu_s), peak_mib);
  }
  std::fflush(stdout);
}

/// The latest session of a results folder.
int64_t latest(const Store& store) { return store.sessions().back(); }

std::vector<double> read_level(const fs::path& results) {
  int64_t runs = 0;
  const double seconds = seconds_of([&] {
    const Store store(results / "inferometer.db", Store::Access::read);
    store.visit_runs(latest(store), RunDetail::without_tokens, [&](const Run& run) { runs += run.order >= 0 ? 1 : 0; });
  });
  return {seconds, static_cast<double>(runs)};
}

std::vector<double> tables(const fs::path& results) {
  std::optional<Study> study;
  const double reading_s = seconds_of([&] { study = read_study(results, std::nullopt); });
  std::size_t bytes = 0;
  const double printing_s = seconds_of([&] {
    bytes += summary_text(*study).size();
    for (const ReportFile& file : csv_files(*study)) bytes += file.bytes.size();
  });
  return {reading_s + printing_s, reading_s, printing_s};
}

std::vector<double> runs_file(const fs::path& results) {
  std::size_t bytes = 0;
  const double seconds = seconds_of([&] {
    CsvTable csv = runs_table();
    const int64_t session = latest(Store(results / "inferometer.db", Store::Access::read));
    visit_measured_runs(results, session, [&](const Run& run) {
      add_run(csv, session, run);
      bytes += csv.take_text().size();
    });
  });
  return {seconds, static_cast<double>(bytes) / (1 << 20)};
}

/// Every gap between tokens, pooled by series with intervals; prints them once.
std::vector<double> gaps(const fs::path& results, bool print) {
  std::vector<TokenGaps> series;
  const double seconds = seconds_of([&] {
    const int64_t session = latest(Store(results / "inferometer.db", Store::Access::read));
    series = token_gaps_of_many(results, session);
  });
  if (print) {
    for (const TokenGaps& of : series) {
      fmt::print(stderr, "{}: {} gaps of {} runs, p50 {:.3f} ms, p99 {:.3f} ms, longest {:.3f} ms\n", of.series, of.gaps, of.runs,
                 of.p50_s * 1e3, of.p99_s.value_or(0) * 1e3, of.max_s * 1e3);
    }
  }
  return {seconds};
}

std::vector<double> comparison(const fs::path& pairs) {
  std::optional<StoredSession> stored;
  const double reading_s = seconds_of([&] { stored = read_session_to_compare(pairs, std::nullopt); });
  const double comparing_s = seconds_of([&] {
    if (compare_sides(stored->session, stored->runs, {"latency"}).cells.empty()) fail(ErrorKind::invalid_data, "no pair");
  });
  return {reading_s + comparing_s, reading_s, comparing_s};
}

/// What a token costs on an engine that takes no time, with everything kept that `run` keeps.
std::vector<double> overhead(int tokens) {
  constexpr int kRuns = 2000;
  SteadyClock clock;
  EngineOptions options{.kind = "simulated"};
  options.simulated = {.ttft_ns = 0, .prefill_ns_per_token = 0, .gap_ns = 0};
  const auto engine = make_simulated_engine(options, clock);
  const auto model = engine->load({}, "null");
  const double whole_s = seconds_of([&] {
    for (int i = 0; i < kRuns; ++i) {
      Run run;
      perform(run, RunStart::now, *model, {.max_tokens = tokens}, {}, clock, {});
    }
  });
  const double all = static_cast<double>(kRuns) * tokens;
  return {measure_harness_overhead_ns() * kNs, whole_s / all};
}

void measure(const Options& options) {
  fmt::print("| what | best s | median s | CPU s of all | peak MiB |\n|---|---:|---:|---:|---:|\n");
  if (!options.results.empty()) {
    print_rows({"read without tokens, one thread", "(runs)"}, options.rounds, [&] { return read_level(options.results); });
    print_rows({"tables: read, analyze, print", "  of that read and analyze", "  of that print"}, options.rounds,
               [&] { return tables(options.results); });
    print_rows({"runs.csv", "(MiB)"}, options.rounds, [&] { return runs_file(options.results); });
    (void)gaps(options.results, true);
    print_rows({"every gap by series"}, options.rounds, [&] { return gaps(options.results, false); });
  }
  if (!options.pairs.empty())
    print_rows({"compare", "  of that its runs read", "  of that analysis"}, options.rounds,
               [&] { return comparison(options.pairs); });
  for (const int tokens : {128, 1024}) {
    std::vector<double> between, whole;
    for (int i = 0; i < options.rounds; ++i) {
      const std::vector<double> cost = overhead(tokens);
      between.push_back(cost[0] * 1e9);
      whole.push_back(cost[1] * 1e9);
    }
    fmt::print(
        "null engine, runs of {} tokens: {:.0f} ns a token between two stamps (best {:.0f}), {:.0f} ns a token of a whole "
        "run (best {:.0f})\n",
        tokens, *stats::median(between), *stats::minimum(between), *stats::median(whole), *stats::minimum(whole));
  }
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  CLI::App app("What the laboratory itself costs");
  app.add_option("--results", options.results, "Results folder with a session of make-results");
  app.add_option("--pairs", options.pairs, "Results folder with a session of make-results --pairs");
  app.add_option("-r,--rounds", options.rounds, "How often each measurement is repeated")->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  try {
    measure(options);
  } catch (const Error& error) {
    fmt::print(stderr, "analysis-bench: {}\n", error.message());
    return 1;
  }
  return 0;
}
