#pragma once

#include <string>
#include <vector>

#include "inferometer/cli/bench.h"
#include "inferometer/cli/output.h"

namespace ifm {

/// A measured row with what it ran on.
struct BenchRecord {
  std::string engine;
  ModelInfo model;
  BenchResult result;
};

/// One row as an object: llama-bench's keys, then ours; null where unknown.
[[nodiscard]] Json bench_json(const BenchRecord& record);
/// The keys of bench_json() without the lists of samples, as a line of CSV, quoted as llama-bench quotes; unknown = empty.
[[nodiscard]] std::string bench_csv_header();
[[nodiscard]] std::string bench_csv_line(const BenchRecord& record);
/// A Markdown table for people, with a line about the limits and one for each flag.
[[nodiscard]] std::string bench_markdown(const std::vector<BenchRecord>& records);

}  // namespace ifm
