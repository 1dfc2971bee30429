#include "inferometer/cli/sampling_flags.h"

#include <cstdint>
#include <limits>

#include "inferometer/cli/app.h"

namespace ifm {
namespace {

constexpr int kMaxTokens = 1 << 24;

}  // namespace

void add_sampling_flags(CLI::App& verb, SamplingFlags& flags) {
  SamplingParams& sampling = flags.sampling;
  verb.add_option("-n,--max-tokens", flags.max_tokens, "Most tokens to generate")
      ->check(number_between(1, kMaxTokens))
      ->capture_default_str();
  verb.add_option("--temp", sampling.temperature, "Temperature; 0 always takes the likeliest token")
      ->check(number_between(0.0, 100.0))
      ->capture_default_str();
  verb.add_option("--top-p", sampling.top_p, "Keep the likeliest tokens that together reach this probability")
      ->check(number_between(0.0, 1.0))
      ->capture_default_str();
  verb.add_option("--top-k", sampling.top_k, "Keep this many of the likeliest tokens; 0 = all")
      ->check(number_between(0, kMaxTokens))
      ->capture_default_str();
  verb.add_option("--min-p", sampling.min_p, "Keep tokens of at least this share of the likeliest one's probability")
      ->check(number_between(0.0, 1.0))
      ->capture_default_str();
  verb.add_option("--seed", sampling.seed, "Seed; the same one gives the same text")
      ->check(number_between(uint64_t{0}, std::numeric_limits<uint64_t>::max()))
      ->capture_default_str();
}

}  // namespace ifm
