#include "inferometer/model/sampler.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "inferometer/base/error.h"

namespace ifm {
namespace {

void check_range(const char* name, double value, bool good, const char* expected) {
  if (!good) fail(ErrorKind::usage, "{}: {} is out of range (expected {})", name, value, expected);
}

/// The index in which a uniform number falls, given weights and their sum; rounding at the end falls to the last weight above 0.
std::size_t pick(std::span<const float> weights, double target) {
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
    : config_(config), kernels_(kernels), rng_(config.seed), weights_(static_cast<std::size_t>(vocab)) {
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
    penalized_.resize(static_cast<std::size_t>(vocab));
  }
}

bool Sampler::has_penalties() const {
  return config_.repetition_penalty != 1.0 || config_.presence_penalty != 0.0 || config_.frequency_penalty != 0.0;
}

void Sampler::accept(TokenId id) {
  if (!seen_.empty() && id >= 0 && static_cast<std::size_t>(id) < seen_.size()) ++seen_[static_cast<std::size_t>(id)];
}

void Sampler::penalize(std::span<float> logits) const {
  for (std::size_t i = 0; i < logits.size(); ++i) {
    if (seen_[i] == 0) continue;
    double z = static_cast<double>(logits[i]);
    z = z > 0 ? z / config_.repetition_penalty : z * config_.repetition_penalty;
    logits[i] = static_cast<float>(z - config_.presence_penalty - config_.frequency_penalty * seen_[i]);
  }
}

TokenId Sampler::draw(std::span<const float> logits) {
  // Infinity minus itself and NaN minus anything are NaN: one pass finds both.
  float poison = 0;
  for (const float z : logits) poison += z - z;
  if (!(poison == 0)) fail(ErrorKind::engine, "logits: not finite (NaN or infinity); the model or its weights are broken");
  if (has_penalties()) {
    std::ranges::copy(logits, penalized_.begin());
    penalize(penalized_);
    logits = penalized_;
  }
  if (config_.temperature == 0) return static_cast<TokenId>(std::ranges::max_element(logits) - logits.begin());
  const bool filtered =
      (config_.top_k > 0 && static_cast<std::size_t>(config_.top_k) < logits.size()) || config_.top_p < 1 || config_.min_p > 0;
  return filtered ? draw_filtered(logits) : draw_all(logits);
}

TokenId Sampler::draw_all(std::span<const float> logits) {
  const auto size = static_cast<int64_t>(logits.size());
  const double sum =
      kernels_.softmax_weights(logits.data(), size, static_cast<float>(1.0 / config_.temperature), weights_.data());
  return static_cast<TokenId>(pick(weights_, rng_.uniform() * sum));
}

TokenId Sampler::draw_filtered(std::span<const float> logits) {
  candidates_.clear();
  for (std::size_t i = 0; i < logits.size(); ++i) candidates_.push_back({logits[i], static_cast<TokenId>(i)});
  const auto better = [](const Candidate& a, const Candidate& b) { return a.logit != b.logit ? a.logit > b.logit : a.id < b.id; };
  if (config_.top_k > 0 && static_cast<std::size_t>(config_.top_k) < candidates_.size()) {
    std::partial_sort(candidates_.begin(), candidates_.begin() + config_.top_k, candidates_.end(), better);
    candidates_.resize(static_cast<std::size_t>(config_.top_k));
  } else {
    std::ranges::sort(candidates_, better);
  }
  const auto top = static_cast<double>(candidates_.front().logit);
  std::vector<double> p(candidates_.size());
  for (std::size_t i = 0; i < p.size(); ++i) p[i] = std::exp(static_cast<double>(candidates_[i].logit) - top);
  const double total = std::accumulate(p.begin(), p.end(), 0.0);
  std::size_t keep = p.size();
  if (config_.top_p < 1) {  // the smallest set that holds top_p of the mass
    double mass = 0;
    keep = 0;
    while (keep < p.size() && mass < config_.top_p * total) mass += p[keep++];
  }
  while (keep > 1 && p[keep - 1] < config_.min_p) --keep;  // relative to the largest, which is 1
  std::vector<float> weights(keep);
  double sum = 0;
  for (std::size_t i = 0; i < keep; ++i) {
    weights[i] = static_cast<float>(std::exp((static_cast<double>(candidates_[i].logit) - top) / config_.temperature));
    sum += static_cast<double>(weights[i]);
  }
  return candidates_[pick(weights, rng_.uniform() * sum)].id;
}

}  // namespace ifm
