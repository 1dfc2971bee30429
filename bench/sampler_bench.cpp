// Processor time of one draw from 128,256 logits (Llama 3's vocabulary), by the sampler's settings: a table on standard output.
// An argument names the kernels' instruction set.
#include <algorithm>
#include <cmath>
#include <ctime>
#include <numbers>
#include <vector>

#include <fmt/format.h>

#include "inferometer/base/error.h"
#include "inferometer/base/rng.h"
#include "inferometer/model/sampler.h"

namespace {

using namespace ifm;

constexpr int kVocab = 128'256;
constexpr int kDraws = 101;

double thread_us() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e6 + static_cast<double>(now.tv_nsec) * 1e-3;
}

std::vector<float> gaussian(double sd) {
  Rng rng(7);
  std::vector<float> values(kVocab);
  for (float& value : values) {
    const double radius = std::sqrt(-2 * std::log(1 - rng.uniform()));
    value = static_cast<float>(sd * radius * std::cos(2 * std::numbers::pi * rng.uniform()));
  }
  return values;
}

double median_us(const SamplerConfig& config, const Kernels& kernels, const std::vector<float>& logits) {
  Sampler sampler(config, kernels, kVocab);
  Rng rng(8);
  for (int i = 0; i < 500; ++i) sampler.accept(static_cast<TokenId>(rng.below(kVocab)));
  std::vector<double> times;
  for (int i = 0; i < kDraws; ++i) {
    const double begin = thread_us();
    sampler.accept(sampler.draw(logits));
    times.push_back(thread_us() - begin);
  }
  std::ranges::nth_element(times, times.begin() + kDraws / 2);
  return times[kDraws / 2];
}

void print_table(const Kernels& kernels) {
  struct Row {
    const char* name;
    SamplerConfig config;
  };
  const Row rows[] = {{"greedy", {}},
                      {"temperature 0.7", {.temperature = 0.7}},
                      {"top-k 40", {.temperature = 0.7, .top_k = 40}},
                      {"top-k 1000", {.temperature = 0.7, .top_k = 1000}},
                      {"top-p 0.9", {.temperature = 0.7, .top_p = 0.9}},
                      {"min-p 0.05", {.temperature = 0.7, .min_p = 0.05}},
                      {"repetition penalty", {.temperature = 0.7, .repetition_penalty = 1.1}},
                      {"all of them", {.temperature = 0.7, .top_k = 40, .top_p = 0.9, .min_p = 0.05, .repetition_penalty = 1.1}}};
  fmt::print("Median processor time of a draw from {} gaussian logits, us ({})\n| {:<20} | sd 1 | sd 3 | sd 5 |\n", kVocab,
             kernels.isa, "sampler");
  for (const Row& row : rows) {
    fmt::print("| {:<20} |", row.name);
    for (const double sd : {1.0, 3.0, 5.0}) fmt::print(" {:4.0f} |", median_us(row.config, kernels, gaussian(sd)));
    fmt::print("\n");
  }
}

}  // namespace

int main(int argc, char** argv) {
  try {
    print_table(kernels_for(argc > 1 ? argv[1] : ""));
    return 0;
  } catch (const Error& error) {
    fmt::print(stderr, "sampler-bench: {}\n", error.message());
    return 1;
  }
}
