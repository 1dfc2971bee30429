#pragma once

#include <cmath>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "inferometer/base/error.h"
#include "inferometer/base/rng.h"
#include "inferometer/stats/describe.h"
#include "inferometer/stats/distribution.h"
#include "inferometer/stats/verdict.h"

/// Comparisons of sides whose difference is known, on noise that a real machine made.
namespace ifm::gate {

/// Logs of the latencies of runs that followed one another, less their median; from tools/record_noise.py.
inline std::vector<double> read_noise(const std::filesystem::path& file) {
  std::ifstream in(file);
  std::vector<double> noise;
  std::string line;
  while (std::getline(in, line)) {
    if (!line.empty() && line[0] != '#') noise.push_back(std::stod(line));
  }
  if (noise.size() < 100) fail(ErrorKind::invalid_data, "{}: {} runs (expected at least 100)", file.string(), noise.size());
  return noise;
}

/// Adds what this recording may not have had: now and then the machine changes its speed by 5 % and stays there ("steps"), or a
/// neighbour takes a fifth of it for some runs ("bursts").
enum class Disturbance { none, steps, bursts };
inline std::vector<double> disturbed(std::vector<double> noise, Disturbance disturbance, Rng& rng) {
  if (disturbance == Disturbance::none) return noise;
  double level = 0;
  std::size_t left = 0;
  for (double& value : noise) {
    if (left == 0 && rng.below(150) == 0) {
      level = disturbance == Disturbance::steps ? (rng.below(2) == 0 ? 0.05 : -0.05) : 0.2;
      left = disturbance == Disturbance::steps ? 150 : 10;
    }
    if (left > 0 && --left == 0) level = 0;
    value += level;
  }
  return noise;
}

/// The same noise of a quieter machine.
inline std::vector<double> scaled(std::vector<double> noise, double factor) {
  for (double& value : noise) value *= factor;
  return noise;
}

struct Design {
  int pairs = 20;
  int turns = 6;          ///< of each process, one run of each cell in each
  int cells = 2;          ///< the effect is in the first one only, as a slower kernel's is
  double between_sd = 0;  ///< of processes, log
  double effect = 0;      ///< B takes exp(effect) as long
};

inline double normal(Rng& rng) { return stats::normal_quantile(std::max(1e-15, rng.uniform())); }

/// In runs: what a process needs to start, load and warm up.
constexpr std::size_t kStart = 2;

/// The ratios of each cell's pairs, from a stretch of the noise that begins anywhere: runs follow one another as they did on the
/// machine, in the order of plan_pairs(): turns AB BA AB …, a switch of sides costs a run, and the first side is balanced.
inline std::vector<std::vector<double>> draw(const std::vector<double>& noise, const Design& design, Rng& rng) {
  std::size_t at = rng.below(noise.size());
  std::vector<std::vector<double>> ratios(static_cast<std::size_t>(design.cells));
  bool b_first = false;
  for (int pair = 0; pair < design.pairs; ++pair) {
    b_first = pair % 2 == 0 ? rng.below(2) == 1 : !b_first;
    std::vector<std::vector<double>> sides;
    for (int side = 0; side < 2; ++side) sides.emplace_back(ratios.size(), design.between_sd * normal(rng));
    for (int turn = 0; turn < design.turns; ++turn) {
      const bool reversed = b_first != (turn % 2 == 1);
      for (const bool is_b : {reversed, !reversed}) {
        const bool switched = turn == 0 || is_b != reversed;
        if (switched) at += turn == 0 ? kStart : 1;
        for (double& mean : sides[is_b ? 1 : 0]) mean += noise[at++ % noise.size()] / design.turns;
      }
    }
    for (std::size_t cell = 0; cell < ratios.size(); ++cell)
      ratios[cell].push_back(sides[1][cell] - sides[0][cell] + (cell == 0 ? design.effect : 0));
  }
  return ratios;
}

/// Of `times` comparisons: those that found B slower, and those that were wrong when nothing differs.
struct Tally {
  int times = 0, regressions = 0, claims = 0;  ///< claims: regression, improvement or mixed
  int equivalents = 0;
  double pair_sd = 0;  ///< of the pairs' log ratios, robust
};

inline Tally repeat(const std::vector<double>& recorded, Disturbance disturbance, const Design& design, int times,
                    uint64_t seed) {
  const double margin = std::log(1.01);
  Rng rng(seed);
  Tally tally{.times = times};
  std::vector<double> spreads;
  for (int i = 0; i < times; ++i) {
    const std::vector<std::vector<double>> ratios = draw(disturbed(recorded, disturbance, rng), design, rng);
    const stats::Comparison found = stats::compare_pairs(ratios, margin);
    tally.regressions += found.verdict == stats::Verdict::regression ? 1 : 0;
    tally.equivalents += found.verdict == stats::Verdict::equivalent ? 1 : 0;
    tally.claims += found.verdict == stats::Verdict::equivalent || found.verdict == stats::Verdict::inconclusive ? 0 : 1;
    std::vector<double> off;
    for (const double ratio : ratios[0]) off.push_back(std::abs(ratio - *stats::median(ratios[0])));
    spreads.push_back(1.4826 * *stats::median(off));
  }
  tally.pair_sd = *stats::median(spreads);
  return tally;
}

}  // namespace ifm::gate
