#include "inferometer/model/rope.h"

#include <cmath>
#include <numbers>

#include "inferometer/base/check.h"

namespace ifm {
namespace {

/// Long wavelengths are stretched by `factor`, short ones kept, those between blended.
double scale_llama3(double frequency, const RopeConfig::Llama3& scaling) {
  const double wavelength = 2 * std::numbers::pi / frequency;
  if (wavelength > scaling.original_context / scaling.low_freq_factor) return frequency / scaling.factor;
  if (wavelength < scaling.original_context / scaling.high_freq_factor) return frequency;
  const double smooth =
      (scaling.original_context / wavelength - scaling.low_freq_factor) / (scaling.high_freq_factor - scaling.low_freq_factor);
  return (1 - smooth) * frequency / scaling.factor + smooth * frequency;
}

}  // namespace

Rope::Rope(const RopeConfig& config, int64_t head_dim) {
  for (int64_t i = 0; i < head_dim / 2; ++i) {
    double frequency = std::pow(config.theta, -2.0 * static_cast<double>(i) / static_cast<double>(head_dim));
    if (config.llama3) frequency = scale_llama3(frequency, *config.llama3);
    if (!config.frequency_factors.empty()) {
      IFM_CHECK(config.frequency_factors.size() == static_cast<std::size_t>(head_dim / 2));
      frequency /= static_cast<double>(config.frequency_factors[static_cast<std::size_t>(i)]);
    }
    frequencies_.push_back(frequency);
  }
}

void Rope::angles(int64_t position, float* cos, float* sin) const {
  for (std::size_t i = 0; i < frequencies_.size(); ++i) {
    const double angle = static_cast<double>(position) * frequencies_[i];
    cos[i] = static_cast<float>(std::cos(angle));
    sin[i] = static_cast<float>(std::sin(angle));
  }
}

}  // namespace ifm
