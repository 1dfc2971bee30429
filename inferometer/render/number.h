#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace ifm {

/// The shortest decimal text that reads back as the same double; empty when it is missing or not finite.
[[nodiscard]] std::string shortest(std::optional<double> value);

/// `value` with `digits` significant digits and no exponent between 1e-6 and 1e15; an en dash when it is missing.
[[nodiscard]] std::string significant(std::optional<double> value, int digits = 3);

/// With a fixed number of decimals; an en dash when it is missing. Never prints "-0.00".
[[nodiscard]] std::string decimal(std::optional<double> value, int decimals);

/// How a column of numbers is shown: multiplied by `factor`, with `decimals`, under the heading `unit`.
struct Scale {
  double factor = 1;
  std::string unit;
  int decimals = 0;
  /// The number alone; an en dash when it is missing.
  [[nodiscard]] std::string number(std::optional<double> value) const;
  /// The number and its unit.
  [[nodiscard]] std::string with_unit(std::optional<double> value) const;
};

/// s, ms, µs or ns, so that the largest value is at least 1, with three significant digits for it.
[[nodiscard]] Scale scale_of_seconds(std::span<const double> values);
/// `unit` as it is, with three significant digits for the largest value.
[[nodiscard]] Scale scale_of(std::span<const double> values, const std::string& unit);

/// "1 run", "54 runs".
[[nodiscard]] std::string counted(int64_t n, std::string_view one, std::string_view many);

/// One duration: "2.68 s", "182 ms", "34.1 µs".
[[nodiscard]] std::string duration_text(std::optional<double> seconds);
/// One size in decimal units: "98.1 MB", "15.6 GB".
[[nodiscard]] std::string bytes_text(double bytes);

}  // namespace ifm
