#pragma once

#include <array>
#include <map>
#include <string>
#include <vector>

#include "inferometer/analysis/comparison.h"

namespace ifm {

/// What is measured of both sides: a cell of the plan without its engine and model.
struct ComparedKey {
  std::string prompt;
  int max_tokens = 0;
  double temperature = 0;
  [[nodiscard]] auto operator<=>(const ComparedKey&) const = default;
};

/// Measured runs of each cell: A's, B's.
using RunsByCell = std::map<ComparedKey, std::array<std::vector<const Run*>, 2>>;

/// @throws Error usage for an unknown name.
[[nodiscard]] const ComparedMetric& compared_metric(const std::string& name);

/// What tells two machines apart, one line each: processor, cores, memory, system. Empty: the same machine, or one like it.
[[nodiscard]] std::vector<std::string> other_machine(const Environment& a, const Environment& b);

/// Finds what makes two sides other things than the same work (other weights under one name, other lengths), and whether greedy
/// requests gave the same ids.
void find_differences(ComparisonReport& report, const RunsByCell& cells);

}  // namespace ifm
