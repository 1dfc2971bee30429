#pragma once

#include <optional>
#include <string>

#include "inferometer/analysis/study.h"

/// How numbers are written in sentences: enough digits to be useful, a unit always.
namespace ifm::phrases {

/// Three significant digits without an exponent: "0.0123", "12.3", "1234".
[[nodiscard]] std::string number(double x);
/// "2.68 s", "153 ms", "8.31 µs".
[[nodiscard]] std::string seconds(double s);
/// "140 to 166 ms": one unit for both ends.
[[nodiscard]] std::string seconds(const Interval& interval);
[[nodiscard]] std::string interval(const Interval& interval);
/// A share as percent: "97.1 %", "0.04 %".
[[nodiscard]] std::string percent(double share);
/// Both ends with the same decimals: "1.7 to 2.6 %".
[[nodiscard]] std::string percent(const Interval& shares);
/// A ratio as a signed change: 1.031 → "+3.1 %", 0.9988 → "-0.12 %".
[[nodiscard]] std::string change(double ratio);
[[nodiscard]] std::string change(const Interval& ratios);
/// "p < 0.001", "p = 0.034".
[[nodiscard]] std::string p_value(double p);
/// "three", "12": in words up to ten.
[[nodiscard]] std::string count(int n);
/// "1 run", "3 runs".
[[nodiscard]] std::string runs(int n);
/// "for these three prompts" (METHOD 5).
[[nodiscard]] std::string scope(const Study& study);
/// "embedded · smollm2-135m: " when the study has several series, else empty.
[[nodiscard]] std::string prefix(const Study& study, const std::string& series);
/// A metric's name in a sentence: "latency", "output speed", "time to first token", "decode speed".
[[nodiscard]] std::string metric(const std::string& name);
/// A factor's: "output length", "repeats of one cell", …
[[nodiscard]] std::string factor(const std::string& name);
/// The same text with a capital first letter (ASCII).
[[nodiscard]] std::string capital(std::string text);

}  // namespace ifm::phrases
