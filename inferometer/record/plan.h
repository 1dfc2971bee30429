#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ifm {

/// warm: the model stays loaded. cold: each run starts a fresh process, load included in its latency.
enum class Mode { warm, cold };
[[nodiscard]] const char* to_string(Mode mode);

/// What is done to the page cache before a cold run.
enum class PageCache { as_is, dropped };
[[nodiscard]] const char* to_string(PageCache cache);

/// A server of a plan, and how it is asked; `openai: {url: …}`.
struct PlanServer {
  std::string url;
  std::string model;  ///< its name for the model; empty = the plan's
  std::string key_variable;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;  ///< JSON object
  std::string ca_file;
  std::string proxy;
  std::string socket;
  std::vector<std::string> command;
  std::string ready = "/health";
  double ready_s = 120;
  [[nodiscard]] bool operator==(const PlanServer&) const = default;
};

/// An engine of a plan: `embedded` or `{embedded: {threads: 2}}`; id = its `name`, else its kind, or kind and options when
/// two share a kind.
struct PlanEngine {
  std::string id;
  std::string kind = "embedded";
  int threads = 0;
  std::string accuracy = "fast";
  int context = 0;
  std::string isa;
  std::string speculate = "off";
  std::string cache_type;
  std::string flash_attention = "auto";  ///< auto, on, off
  std::string device;
  std::string model;  ///< what this engine loads in place of the plan's one model
  std::string program;
  std::string inner = "embedded";  ///< process: the engine in the child
  PlanServer server;
  /// simulated engine's timing by key (load_ms, ttft_ms, prefill_us_per_token, gap_ms, gap_sd, run_sd, temperature_slope,
  /// fail_every, prompt_tokens)
  std::vector<std::pair<std::string, double>> simulated;
};

struct PlanPrompt {
  std::string id;
  std::string text;
  bool raw = false;
};

struct PlanTimeouts {
  double connect_s = 5;
  double first_token_s = 60;
  double gap_s = 30;
};

/// When a session may end before its last block: at planned looks, once the mean over the cells of every
/// series (mode, engine, model) is known well enough (METHOD 13).
struct PlanStop {
  double half_width = 0.01;    ///< of the interval, relative to its mean
  std::string of = "latency";  ///< one of kStopMetrics
  int min_runs = 10;           ///< of each cell, before the first look; 10 at least
  int max_runs = 100;          ///< of each cell: the plan's repeats
  double max_time_s = 0;       ///< no further block begins after this; 0 = none
  [[nodiscard]] bool operator==(const PlanStop&) const = default;
};

/// An experiment, as written in a plan file; unknown keys are errors.
struct Plan {
  int version = 1;
  std::string name;
  std::string description;
  uint64_t seed = 1;
  std::vector<Mode> modes{Mode::warm};
  std::vector<PlanEngine> engines{{.id = "embedded"}};
  std::vector<std::string> models;
  std::vector<PlanPrompt> prompts;
  std::vector<int> max_tokens;
  std::vector<double> temperatures;
  double top_p = 1.0;
  int top_k = 0;
  double min_p = 0.0;
  int repeats = 3;
  /// 0: blocks, models stay loaded. Else a comparison of two engines in so many pairs of fresh processes, which take turns of
  /// every cell, `repeats` each; a block is a pair. Not a key of plan files.
  int pairs = 0;
  int extra_pairs = 0;  ///< of a comparison: at most so many more, one for each pair that is flagged. Not a key of plan files.
  std::optional<PlanStop> stop;  ///< null: every block runs
  int warmup =
      1;  ///< unrecorded-in-results runs before the first block, per engine and model; they really run and are stored as warm-up
  bool ignore_eos = true;
  PageCache page_cache = PageCache::as_is;
  double equivalence_margin = 0.01;  ///< δ of METHOD 7
  PlanTimeouts timeouts;
  std::string source;  ///< the file's text
  std::string hash;    ///< sha256 of source and of every prompt file
};

/// Measured runs of a cell in a whole session.
[[nodiscard]] constexpr int runs_of_cell(const Plan& plan) { return plan.repeats * (plan.pairs > 0 ? plan.pairs : 1); }

/// Parses a plan; `directory` resolves prompt files.
/// @throws Error usage: "plan.yaml:12: key: what is wrong (expected X, got Y)" (FAULTS 54-59).
[[nodiscard]] Plan parse_plan(std::string_view yaml, const std::string& file_name, const std::filesystem::path& directory);
[[nodiscard]] Plan read_plan(const std::filesystem::path& file);

/// One combination of the plan's factors: indices into its lists.
struct Cell {
  int index = 0;
  Mode mode = Mode::warm;
  int engine = 0;
  int model = 0;
  int prompt = 0;
  int max_tokens = 0;
  double temperature = 0;
  [[nodiscard]] bool operator==(const Cell&) const = default;
};

/// Every cell of a plan, in the order of its lists (mode, engine, model, prompt, max_tokens, temperature; the last varies
/// fastest).
[[nodiscard]] std::vector<Cell> expand_cells(const Plan& plan);

}  // namespace ifm
