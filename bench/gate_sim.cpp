// How often the verdict of `compare` is wrong, and how often it finds a slower side, on noise that a real machine made
// (tests/golden/noise/*.csv, by tools/record_noise.py): a Markdown table on standard output, for docs/gate.md.
// usage: gate-sim NOISE.csv [COMPARISONS=1000]
#include <cstdio>
#include <cstdlib>
#include <string>

#include <fmt/format.h>

#include "tests/gate/simulation.h"

namespace {

using namespace ifm;

std::string percent(int part, int of) { return fmt::format("{:.1f}", 100.0 * part / of); }

void print_rows(const std::vector<double>& noise, const char* name, gate::Disturbance disturbance, int times) {
  uint64_t seed = 1;
  for (const double between : {0.0, 0.005, 0.01}) {
    fmt::print("| {} | {:.1f} ", name, 100 * between);
    for (const int turns : {3, 12, 24}) {
      const auto with = [&](double effect) {
        return gate::repeat(noise, disturbance, {.turns = turns, .between_sd = between, .effect = effect}, times, seed++);
      };
      const gate::Tally same = with(0);
      fmt::print("| {:.1f} | {} | {} | {} ", 100 * same.pair_sd, percent(same.claims, times),
                 percent(with(std::log(1.02)).regressions, times), percent(with(std::log(1.05)).regressions, times));
    }
    fmt::print("|\n");
  }
}

}  // namespace

int main(int argc, char** argv) {
  try {
    if (argc < 2) fail(ErrorKind::usage, "gate-sim: expected NOISE.csv [COMPARISONS]");
    const std::vector<double> noise = gate::read_noise(argv[1]);
    const int times = argc > 2 ? std::atoi(argv[2]) : 1000;
    fmt::print("{} runs of noise, {} comparisons of 20 pairs in each figure, 2 cells, margin 1 %\n\n", noise.size(), times);
    fmt::print(
        "| noise | sd between processes % | 3 turns: sd of a pair % | A/A wrong % | +2 % found % | +5 % found % "
        "| 12 turns: sd of a pair % | A/A wrong % | +2 % found % | +5 % found % "
        "| 24 turns: sd of a pair % | A/A wrong % | +2 % found % | +5 % found % |\n");
    fmt::print("|---|---|---|---|---|---|---|---|---|---|---|---|---|---|\n");
    print_rows(noise, "as recorded", gate::Disturbance::none, times);
    print_rows(noise, "with steps of 5 %", gate::Disturbance::steps, times);
    print_rows(noise, "with bursts of 20 %", gate::Disturbance::bursts, times);
    print_rows(gate::scaled(noise, 1.0 / 3), "a third of it", gate::Disturbance::none, times);
    return 0;
  } catch (const Error& error) {
    fmt::print(stderr, "gate-sim: {}\n", error.message());
    return 1;
  }
}
