#include "inferometer/analysis/run_table.h"

#include <algorithm>
#include <limits>
#include <set>
#include <utility>

#include "inferometer/analysis/groups.h"

namespace ifm {
namespace {

/// All but its tokens and what is its own.
Run levels_of(const Run& run) {
  Run levels;
  levels.order = run.order;
  levels.block = run.block;
  levels.cell = run.cell;
  levels.mode = run.mode;
  levels.engine = run.engine;
  levels.model = run.model;
  levels.prompt = run.prompt;
  levels.max_tokens = run.max_tokens;
  levels.temperature = run.temperature;
  return levels;
}

template <typename T>
void move_behind(std::vector<T>& column, std::vector<T>& later) {
  column.insert(column.end(), later.begin(), later.end());
  later = {};
}

}  // namespace

bool same_levels(const Run& a, const Run& b) {
  return a.cell == b.cell && a.mode == b.mode && a.max_tokens == b.max_tokens && a.temperature == b.temperature &&
         a.engine == b.engine && a.model == b.model && a.prompt == b.prompt;
}

int RunTable::part_of(const Run& run, bool flagged) {
  std::vector<int>& candidates = parts_of_cell_[run.cell];
  for (const int candidate : candidates) {
    const Part& part = parts_[static_cast<size_t>(candidate)];
    if (part.flagged == flagged && same_levels(part.levels, run)) return candidate;
  }
  candidates.push_back(static_cast<int>(parts_.size()));
  parts_.push_back({.levels = levels_of(run), .flagged = flagged});
  parts_.back().levels.id = candidates.back();
  return candidates.back();
}

void RunTable::add(const Run& run) {
  const int index = part_of(run, !run.flags.empty());
  Part& part = parts_[static_cast<size_t>(index)];
  for (const std::string& flag : std::set<std::string>(run.flags.begin(), run.flags.end())) ++flags_[flag];
  ++(run.status == RunStatus::ok ? part.runs_ok : part.runs_failed);
  if (run.status == RunStatus::ok && run.temperature == 0 && !run.ids_hash.empty()) {
    if (part.greedy_runs++ == 0) part.levels.ids_hash = run.ids_hash;
    part.ids_differ = part.ids_differ || part.levels.ids_hash != run.ids_hash;
  }
  if (!is_timed(run)) return;
  const RunMetrics& m = run.metrics;
  if (m.output_tok_per_s && m.e2e_s && run.output_tokens) {
    part.rated_tokens += *run.output_tokens;
    part.rated_seconds += *m.e2e_s;
  }
  columns_.part.push_back(static_cast<uint32_t>(index));
  columns_.block.push_back(run.block);
  columns_.repeat.push_back(run.repeat);
  columns_.output_tokens.push_back(run.output_tokens.value_or(-1));
  columns_.start_h.push_back(static_cast<double>(run.start_ns) / kNsPerHour);
  for (size_t i = 0; i < kGroupMetrics.size(); ++i)
    columns_.metrics[i].push_back((m.*kGroupMetrics[i].of).value_or(std::numeric_limits<double>::quiet_NaN()));
}

void RunTable::append(RunTable&& later) {
  std::vector<int> places;
  for (const Part& other : later.parts_) {
    places.push_back(part_of(other.levels, other.flagged));
    Part& part = parts_[static_cast<size_t>(places.back())];
    part.runs_ok += other.runs_ok;
    part.runs_failed += other.runs_failed;
    if (part.greedy_runs == 0) part.levels.ids_hash = other.levels.ids_hash;
    part.ids_differ =
        part.ids_differ || other.ids_differ || (other.greedy_runs > 0 && part.levels.ids_hash != other.levels.ids_hash);
    part.greedy_runs += other.greedy_runs;
    part.rated_tokens += other.rated_tokens;
    part.rated_seconds += other.rated_seconds;
  }
  const auto renumbered = [&](uint32_t part) { return static_cast<uint32_t>(places[part]); };
  std::ranges::transform(later.columns_.part, later.columns_.part.begin(), renumbered);
  move_behind(columns_.part, later.columns_.part);
  move_behind(columns_.block, later.columns_.block);
  move_behind(columns_.repeat, later.columns_.repeat);
  move_behind(columns_.output_tokens, later.columns_.output_tokens);
  move_behind(columns_.start_h, later.columns_.start_h);
  for (size_t i = 0; i < kGroupMetrics.size(); ++i) move_behind(columns_.metrics[i], later.columns_.metrics[i]);
  for (const auto& [flag, runs] : later.flags_) flags_[flag] += runs;
}

std::vector<const Run*> RunTable::levels() const {
  std::vector<const Run*> runs;
  for (const Part& part : parts_) runs.push_back(&part.levels);
  return runs;
}

}  // namespace ifm
