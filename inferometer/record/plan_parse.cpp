#include <algorithm>
#include <cmath>
#include <limits>

#include <fmt/format.h>

#include "inferometer/base/error.h"
#include "inferometer/base/mapped_file.h"
#include "inferometer/base/sha256.h"
#include "inferometer/record/plan.h"
#include "inferometer/record/plan_engines.h"
#include "inferometer/record/plan_reader.h"
#include "inferometer/record/run_metric.h"
#include "inferometer/record/utf8_check.h"

namespace ifm {
namespace {

constexpr int64_t kMaxCells = 100'000;
constexpr int64_t kMaxRepeats = 10'000;
constexpr int64_t kMaxRuns = 10'000'000;
constexpr int64_t kMaxPromptBytes = 1 << 20;
constexpr int64_t kLeastRunsOfStop = 10;  // METHOD 13

/// One plan being read; the order of the members' calls is the order in which errors are found.
class PlanParser {
 public:
  PlanParser(const std::string& file_name, const std::filesystem::path& directory) : reader_(file_name), directory_(directory) {}
  [[nodiscard]] Plan parse(std::string_view yaml, const YamlNode& root);

 private:
  void read_head(const PlanField& root);
  void read_modes(const PlanField& root);
  void read_engines(const PlanField& root);
  void read_models(const PlanField& root);
  void read_prompts(const PlanField& root);
  [[nodiscard]] std::string read_prompt_file(const PlanField& field);
  void read_sampling(const PlanField& root);
  void read_counts(const PlanField& root);
  void read_timeouts(const PlanField& root);
  void read_stop(const PlanField& root);
  [[nodiscard]] double share(const PlanField& field, double low, double high) const;
  void check_size(const PlanField& root) const;
  template <typename T>
  void refuse_twice(const PlanField& field, const std::vector<T>& before, const T& value, const std::string& what) const {
    if (std::find(before.begin(), before.end(), value) == before.end()) return;
    reader_.fail_at(field, fmt::format("{} stands twice and makes identical cells (expected each value once)", what));
  }

  PlanReader reader_;
  std::filesystem::path directory_;
  Sha256 hash_;
  Plan plan_;
};

}  // namespace

Plan PlanParser::parse(std::string_view yaml, const YamlNode& root_node) {
  const PlanField root{&root_node, "plan"};
  reader_.require_keys(
      root, {"version",     "name",  "description", "seed",  "mode",    "engines", "models",     "prompts", "max_tokens",
             "temperature", "top_p", "top_k",       "min_p", "repeats", "warmup",  "ignore_eos", "cache",   "equivalence_margin",
             "timeouts",    "stop"});
  hash_.update(yaml);
  read_head(root);
  read_modes(root);
  read_engines(root);
  read_models(root);
  read_prompts(root);
  read_sampling(root);
  read_counts(root);
  read_timeouts(root);
  read_stop(root);
  check_size(root);
  plan_.source = std::string(yaml);
  plan_.hash = hash_.hex_digest();
  return std::move(plan_);
}

void PlanParser::read_head(const PlanField& root) {
  plan_.version = static_cast<int>(reader_.integer(reader_.required(root, "version"), 1, 1));
  plan_.name = reader_.label(reader_.required(root, "name"));
  if (const PlanField field = reader_.optional(root, "description"); field.node != nullptr)
    plan_.description = reader_.text(field);
  if (const PlanField field = reader_.optional(root, "seed"); field.node != nullptr) {
    plan_.seed = static_cast<uint64_t>(reader_.integer(field, 0, std::numeric_limits<int64_t>::max()));
  }
}

void PlanParser::read_modes(const PlanField& root) {
  const PlanField field = reader_.optional(root, "mode");
  if (field.node == nullptr) return;
  plan_.modes.clear();
  for (const PlanField& item : reader_.list(field)) {
    const int word = reader_.word(item, {"warm", "cold", "both"});
    for (const Mode mode : {Mode::warm, Mode::cold}) {
      if (word != 2 && word != static_cast<int>(mode)) continue;
      refuse_twice(item, plan_.modes, mode, to_string(mode));
      plan_.modes.push_back(mode);
    }
  }
}

void PlanParser::read_engines(const PlanField& root) {
  const PlanField field = reader_.optional(root, "engines");
  if (field.node != nullptr) plan_.engines = read_plan_engines(reader_, field);
}

void PlanParser::read_models(const PlanField& root) {
  for (const PlanField& item : reader_.list(reader_.required(root, "models"))) {
    std::string model = reader_.label(item, 4096);
    refuse_twice(item, plan_.models, model, shown(model));
    plan_.models.push_back(std::move(model));
  }
  for (const PlanEngine& engine : plan_.engines) {
    if (engine.model.empty() || plan_.models.size() == 1) continue;
    reader_.fail_at(reader_.required(root, "models"),
                    fmt::format("{} loads {} in place of the plan's model (expected one model, got {})", engine.id,
                                shown(engine.model), plan_.models.size()));
  }
}

void PlanParser::read_prompts(const PlanField& root) {
  std::vector<std::string> ids;
  for (const PlanField& item : reader_.list(reader_.required(root, "prompts"))) {
    reader_.require_keys(item, {"id", "text", "file", "raw"});
    PlanPrompt prompt;
    const PlanField id = reader_.required(item, "id");
    prompt.id = reader_.label(id, 100);
    refuse_twice(id, ids, prompt.id, shown(prompt.id));
    ids.push_back(prompt.id);
    const PlanField text = reader_.optional(item, "text");
    const PlanField file = reader_.optional(item, "file");
    if ((text.node == nullptr) == (file.node == nullptr)) {
      reader_.fail_at(item, fmt::format("a prompt has its words in one place (expected text or file, got {})",
                                        text.node == nullptr ? "neither" : "both"));
    }
    prompt.text = text.node != nullptr ? reader_.text(text) : read_prompt_file(file);
    if (const PlanField raw = reader_.optional(item, "raw"); raw.node != nullptr) prompt.raw = reader_.boolean(raw);
    plan_.prompts.push_back(std::move(prompt));
  }
}

std::string PlanParser::read_prompt_file(const PlanField& field) {
  const std::string name = reader_.label(field, 4096);
  std::string text;
  try {
    const MappedFile file(directory_ / name);
    if (file.bytes().size() > static_cast<std::size_t>(kMaxPromptBytes) || file.bytes().empty()) {
      reader_.fail_at(field, fmt::format("{}: a prompt of this size is not read (expected 1 to {} bytes, got {})", name,
                                         kMaxPromptBytes, file.bytes().size()));
    }
    text.resize(file.bytes().size());
    std::transform(file.bytes().begin(), file.bytes().end(), text.begin(), [](std::byte b) { return static_cast<char>(b); });
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::usage) throw;
    reader_.fail_at(field, fmt::format("cannot read the prompt: {}", error.message()));
  }
  if (const auto bad = first_invalid_utf8(text)) {
    reader_.fail_at(field, fmt::format("{}: not UTF-8 text (byte {} of the file)", name, *bad));
  }
  hash_.update(fmt::format("\n{} {}\n", name, text.size())).update(text);
  return text;
}

void PlanParser::read_sampling(const PlanField& root) {
  for (const PlanField& item : reader_.list(reader_.required(root, "max_tokens"))) {
    const int value = static_cast<int>(reader_.integer(item, 1, 1'000'000));
    refuse_twice(item, plan_.max_tokens, value, fmt::format("{}", value));
    plan_.max_tokens.push_back(value);
  }
  for (const PlanField& item : reader_.list(reader_.required(root, "temperature"))) {
    const double value = reader_.number(item, 0.0, 100.0) + 0.0;  // -0 and 0 are the same temperature
    refuse_twice(item, plan_.temperatures, value, fmt::format("{}", value));
    plan_.temperatures.push_back(value);
  }
  if (const PlanField field = reader_.optional(root, "top_p"); field.node != nullptr)
    plan_.top_p = reader_.number(field, 0.0, 1.0);
  if (const PlanField field = reader_.optional(root, "min_p"); field.node != nullptr)
    plan_.min_p = reader_.number(field, 0.0, 1.0);
  if (const PlanField field = reader_.optional(root, "top_k"); field.node != nullptr) {
    plan_.top_k = static_cast<int>(reader_.integer(field, 0, 10'000'000));
  }
}

void PlanParser::read_counts(const PlanField& root) {
  const bool warm = std::find(plan_.modes.begin(), plan_.modes.end(), Mode::warm) != plan_.modes.end();
  if (const PlanField field = reader_.optional(root, "repeats"); field.node != nullptr) {
    plan_.repeats = static_cast<int>(reader_.integer(field, 1, kMaxRepeats));
  }
  if (!warm) plan_.warmup = 0;
  if (const PlanField field = reader_.optional(root, "warmup"); field.node != nullptr) {
    plan_.warmup = static_cast<int>(reader_.integer(field, 0, 1000));
    if (!warm && plan_.warmup > 0) {
      reader_.fail_at(field, fmt::format("a cold run cannot be warmed up (expected 0, got {})", plan_.warmup));
    }
  }
  if (const PlanField field = reader_.optional(root, "ignore_eos"); field.node != nullptr)
    plan_.ignore_eos = reader_.boolean(field);
  if (const PlanField field = reader_.optional(root, "cache"); field.node != nullptr) {
    plan_.page_cache = reader_.word(field, {"as_is", "dropped"}) == 0 ? PageCache::as_is : PageCache::dropped;
  }
  if (const PlanField field = reader_.optional(root, "equivalence_margin"); field.node != nullptr) {
    plan_.equivalence_margin = reader_.number(field, 1e-6, 1.0);
  }
}

void PlanParser::read_timeouts(const PlanField& root) {
  const PlanField timeouts = reader_.optional(root, "timeouts");
  if (timeouts.node == nullptr) return;
  reader_.require_keys(timeouts, {"connect_s", "first_token_s", "gap_s"});
  const auto read = [&](std::string_view key, double& value) {
    const PlanField field = reader_.optional(timeouts, key);
    if (field.node != nullptr) value = reader_.number(field, 0.001, 86'400);
  };
  read("connect_s", plan_.timeouts.connect_s);
  read("first_token_s", plan_.timeouts.first_token_s);
  read("gap_s", plan_.timeouts.gap_s);
}

/// "1%", "1 %" or 0.01.
double PlanParser::share(const PlanField& field, double low, double high) const {
  if (!field.node->text.ends_with('%')) return reader_.number(field, low, high);
  YamlNode number = *field.node;
  number.text.pop_back();
  while (number.text.ends_with(' ')) number.text.pop_back();
  return reader_.number({&number, field.name}, 100 * low, 100 * high) / 100;
}

void PlanParser::read_stop(const PlanField& root) {
  const PlanField field = reader_.optional(root, "stop");
  if (field.node == nullptr) return;
  reader_.require_keys(field, {"half_width", "of", "min_runs", "max_runs", "max_time_s"});
  if (const PlanField repeats = reader_.optional(root, "repeats"); repeats.node != nullptr)
    reader_.fail_at(repeats, "stop has the number of runs in max_runs (expected one of the two)");
  PlanStop stop;
  stop.half_width = share(reader_.required(field, "half_width"), 1e-6, 1.0);
  if (const PlanField of = reader_.optional(field, "of"); of.node != nullptr) {
    std::vector<std::string_view> names;
    for (const PlanMetric& metric : kStopMetrics) names.push_back(metric.name);
    stop.of = names[static_cast<std::size_t>(reader_.word(of, names))];
  }
  if (const PlanField least = reader_.optional(field, "min_runs"); least.node != nullptr)
    stop.min_runs = static_cast<int>(reader_.integer(least, kLeastRunsOfStop, kMaxRepeats));
  if (const PlanField most = reader_.optional(field, "max_runs"); most.node != nullptr)
    stop.max_runs = static_cast<int>(reader_.integer(most, stop.min_runs, kMaxRepeats));
  stop.max_runs = std::max(stop.max_runs, stop.min_runs);
  if (const PlanField time = reader_.optional(field, "max_time_s"); time.node != nullptr)
    stop.max_time_s = reader_.number(time, 1, 30 * 86'400);
  plan_.repeats = stop.max_runs;
  plan_.stop = stop;
}

void PlanParser::check_size(const PlanField& root) const {
  // The lists come from at most 1 MiB of text, so that the product of any two of them cannot wrap; the check is after each step.
  int64_t cells = 1;
  for (const std::size_t size : {plan_.modes.size(), plan_.engines.size(), plan_.models.size(), plan_.prompts.size(),
                                 plan_.max_tokens.size(), plan_.temperatures.size()}) {
    cells *= static_cast<int64_t>(size);
    if (cells > kMaxCells) {
      reader_.fail_at(root, fmt::format("too many cells (expected at most {}, got {} or more)", kMaxCells, cells));
    }
  }
  if (cells * plan_.repeats > kMaxRuns) {
    reader_.fail_at(root, fmt::format("too many runs (expected at most {}, got {})", kMaxRuns, cells * plan_.repeats));
  }
}

Plan parse_plan(std::string_view yaml, const std::string& file_name, const std::filesystem::path& directory) {
  const YamlNode root = parse_yaml_tree(yaml, file_name);
  return PlanParser(file_name, directory).parse(yaml, root);
}

}  // namespace ifm
