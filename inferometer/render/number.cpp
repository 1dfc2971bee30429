#include "inferometer/render/number.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>

#include <fmt/format.h>

namespace ifm {
namespace {

constexpr const char* kMissing = "–";

/// The decimal exponent of |value| after it was rounded to `digits` significant digits.
int rounded_exponent(double value, int digits) {
  const std::string text = fmt::format("{:.{}e}", std::abs(value), digits - 1);
  return std::atoi(text.c_str() + text.find('e') + 1);
}

double largest_of(std::span<const double> values) {
  double largest = 0;
  for (const double value : values) {
    if (std::isfinite(value)) largest = std::max(largest, std::abs(value));
  }
  return largest;
}

int decimals_of(double largest) { return largest > 0 ? std::clamp(2 - rounded_exponent(largest, 3), 0, 9) : 2; }

}  // namespace

std::string shortest(std::optional<double> value) {
  if (!value || !std::isfinite(*value)) return {};
  return fmt::format("{}", *value == 0 ? 0.0 : *value);
}

std::string significant(std::optional<double> value, int digits) {
  if (!value || !std::isfinite(*value)) return kMissing;
  if (*value == 0) return "0";
  const int exponent = rounded_exponent(*value, digits);
  if (exponent < -6 || exponent >= 15) return fmt::format("{:.{}e}", *value, digits - 1);
  return fmt::format("{:.{}f}", *value, std::max(0, digits - 1 - exponent));
}

std::string decimal(std::optional<double> value, int decimals) {
  if (!value || !std::isfinite(*value)) return kMissing;
  std::string text = fmt::format("{:.{}f}", *value, decimals);
  const bool only_zeros = text.find_first_of("123456789") == std::string::npos;
  return only_zeros && text[0] == '-' ? text.substr(1) : text;
}

std::string Scale::number(std::optional<double> value) const {
  return decimal(value ? std::optional<double>(*value * factor) : std::nullopt, decimals);
}

std::string Scale::with_unit(std::optional<double> value) const {
  return value && std::isfinite(*value) ? number(value) + " " + unit : std::string(kMissing);
}

Scale scale_of_seconds(std::span<const double> values) {
  const double largest = largest_of(values);
  Scale scale{1, "s", 0};
  if (largest > 0 && largest < 0.9995e-6) {
    scale = {1e9, "ns", 0};
  } else if (largest > 0 && largest < 0.9995e-3) {
    scale = {1e6, "µs", 0};
  } else if (largest > 0 && largest < 0.9995) {
    scale = {1e3, "ms", 0};
  }
  scale.decimals = decimals_of(largest * scale.factor);
  return scale;
}

Scale scale_of(std::span<const double> values, const std::string& unit) { return {1, unit, decimals_of(largest_of(values))}; }

std::string counted(int64_t n, std::string_view one, std::string_view many) {
  return fmt::format("{} {}", n, n == 1 ? one : many);
}

std::string duration_text(std::optional<double> seconds) {
  if (!seconds || !std::isfinite(*seconds)) return kMissing;
  return scale_of_seconds(std::array{*seconds}).with_unit(seconds);
}

std::string bytes_text(double bytes) {
  constexpr std::array<const char*, 5> kUnits{"B", "kB", "MB", "GB", "TB"};
  size_t unit = 0;
  while (bytes >= 999.5 && unit + 1 < kUnits.size()) {
    bytes /= 1000;
    ++unit;
  }
  return significant(bytes) + " " + kUnits[unit];
}

}  // namespace ifm
