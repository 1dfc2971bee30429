#include "inferometer/model/sampler.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "inferometer/base/error.h"

namespace ifm {
namespace {

void check_range(const char* name, double value, bool good, const char* expected) {
  if (!good) fail(ErrorKind::usage, "{}: {} is out of range (expected {})", name, value, expected);
}

/// Logits that a pass takes at a time: few enough to be searched one by one afterwards.
constexpr std::size_t kBlock = 1024;
constexpr float kInfinity = std::numeric_limits<float>::infinity();

/// The index in which a target falls, given weights and a target below their sum; when rounding leaves none, the last above 0.
std::size_t index_at(std::span<const float> weights, double target) {
  double sum = 0;
  std::size_t last = 0;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    sum += static_cast<double>(weights[i]);
    if (target < sum) return i;
    if (weights[i] > 0) last = i;
  }
  return last;
}

}  // namespace

Sampler::Sampler(const SamplerConfig& config, const Kernels& kernels, int64_t vocab)
    : config_(config),
      kernels_(kernels),
      rng_(config.seed),
      weights_(static_cast<std::size_t>(vocab)),
      block_sums_(static_cast<std::size_t>(vocab) / kBlock + 1) {
  check_range("temperature", config.temperature, config.temperature >= 0 && config.temperature <= 100, "0 to 100");
  check_range("top-k", config.top_k, config.top_k >= 0, "0 or more");
  check_range("top-p", config.top_p, config.top_p > 0 && config.top_p <= 1, "more than 0, at most 1");
  check_range("min-p", config.min_p, config.min_p >= 0 && config.min_p <= 1, "0 to 1");
  check_range("repetition penalty", config.repetition_penalty, config.repetition_penalty > 0 && config.repetition_penalty <= 100,
              "more than 0, at most 100");
  check_range("presence penalty", config.presence_penalty, std::fabs(config.presence_penalty) <= 100, "-100 to 100");
  check_range("frequency penalty", config.frequency_penalty, std::fabs(config.frequency_penalty) <= 100, "-100 to 100");
  if (has_penalties()) {
    seen_.resize(static_cast<std::size_t>(vocab));
    seen_ids_.reserve(static_cast<std::size_t>(vocab));
    penalized_.resize(static_cast<std::size_t>(vocab));
  }
  if (has_filters()) {
    cuts_.emplace(kernels, vocab);
    kept_logits_.resize(static_cast<std::size_t>(vocab));
    kept_ids_.resize(static_cast<std::size_t>(vocab));
    kept_index_.resize(static_cast<std::size_t>(vocab));
  }
}

bool Sampler::has_penalties() const {
  return config_.repetition_penalty != 1.0 || config_.presence_penalty != 0.0 || config_.frequency_penalty != 0.0;
}

bool Sampler::has_filters() const { return config_.top_k > 0 || config_.top_p < 1 || config_.min_p > 0; }

void Sampler::accept(TokenId id) {
  if (seen_.empty() || id < 0 || static_cast<std::size_t>(id) >= seen_.size()) return;
  if (seen_[static_cast<std::size_t>(id)]++ == 0) seen_ids_.push_back(id);
}

std::span<const float> Sampler::penalized(std::span<const float> logits) {
  std::ranges::copy(logits, penalized_.begin());
  for (const TokenId id : seen_ids_) {
    const auto i = static_cast<std::size_t>(id);
    double z = static_cast<double>(logits[i]);
    z = z > 0 ? z / config_.repetition_penalty : z * config_.repetition_penalty;
    penalized_[i] = static_cast<float>(z - config_.presence_penalty - config_.frequency_penalty * seen_[i]);
  }
  return penalized_;
}

/// The first of the largest.
std::size_t Sampler::largest(std::span<const float> logits) const {
  std::size_t block = 0;
  float top = -kInfinity;
  for (std::size_t begin = 0; begin < logits.size(); begin += kBlock) {
    const std::size_t size = std::min(kBlock, logits.size() - begin);
    const float value = kernels_.largest(logits.data() + begin, static_cast<int64_t>(size));
    if (std::isnan(value)) fail(ErrorKind::engine, "logits: not finite (NaN or infinity); the model or its weights are broken");
    if (value <= top) continue;
    top = value;
    block = begin;
  }
  while (logits[block] != top) ++block;
  return block;
}

/// An index of logits, by one uniform number, in proportion to exp(logit / temperature).
std::size_t Sampler::pick(std::span<const float> logits, float top) {
  // A temperature near 0 must not turn into infinity times nothing.
  const auto inverse = static_cast<float>(std::min(1.0 / config_.temperature, 1e30));
  double total = 0;
  std::size_t blocks = 0;
  for (std::size_t begin = 0; begin < logits.size(); begin += kBlock) {
    const std::size_t size = std::min(kBlock, logits.size() - begin);
    const double sum =
        kernels_.exp_weights(logits.data() + begin, static_cast<int64_t>(size), top, inverse, weights_.data() + begin);
    block_sums_[blocks++] = sum;
    total += sum;
  }
  double target = rng_.uniform() * total;
  std::size_t block = 0;
  for (; block + 1 < blocks && target >= block_sums_[block]; ++block) target -= block_sums_[block];
  while (block_sums_[block] == 0) --block;  // rounding went past the last weight
  const std::size_t begin = block * kBlock;
  return begin + index_at(std::span(weights_).subspan(begin, std::min(kBlock, logits.size() - begin)), target);
}

/// Leaves the logits whose values are above the cut, and the first of those that equal it. values: one for each kept logit.
void Sampler::keep(std::span<const float> values, Cut cut) {
  const int64_t found =
      kernels_.indices_within(values.data(), static_cast<int64_t>(values.size()), cut.value, kInfinity, kept_index_.data());
  std::size_t kept = 0;
  int64_t equals = 0;
  for (const int32_t i : std::span(kept_index_).first(static_cast<std::size_t>(found))) {
    const auto from = static_cast<std::size_t>(i);
    if (values[from] == cut.value && ++equals > cut.equals) continue;
    kept_ids_[kept] = all_kept_ ? i : kept_ids_[from];
    kept_logits_[kept++] = kept_[from];
  }
  kept_ = std::span(kept_logits_).first(kept);
  all_kept_ = false;
}

void Sampler::filter(std::span<const float> logits, float top) {
  kept_ = logits;
  all_kept_ = true;
  if (config_.top_k > 0 && static_cast<std::size_t>(config_.top_k) < kept_.size()) {
    const auto size = static_cast<int64_t>(kept_.size());
    keep(kept_, cuts_->find(kept_.data(), size, Weight::one, static_cast<double>(size), static_cast<double>(config_.top_k)));
  }
  if (config_.top_p < 1) {
    const auto size = static_cast<int64_t>(kept_.size());
    const double total = kernels_.exp_weights(kept_.data(), size, top, 1.0F, weights_.data());
    keep(std::span(weights_).first(kept_.size()),
         cuts_->find(weights_.data(), size, Weight::value, total, config_.top_p * total));
  }
  // Relative to the largest, whose weight is 1.
  if (config_.min_p > 0) {
    const auto bound = static_cast<float>(static_cast<double>(top) + std::log(config_.min_p));
    keep(kept_, {std::min(bound, top), static_cast<int64_t>(kept_.size())});
  }
}

TokenId Sampler::draw(std::span<const float> logits) {
  if (has_penalties()) logits = penalized(logits);
  const std::size_t first = largest(logits);
  if (config_.temperature == 0) return static_cast<TokenId>(first);
  const float top = logits[first];
  if (!has_filters()) return static_cast<TokenId>(pick(logits, top));
  filter(logits, top);
  const std::size_t index = pick(kept_, top);
  return all_kept_ ? static_cast<TokenId>(index) : kept_ids_[index];
}

}  // namespace ifm
