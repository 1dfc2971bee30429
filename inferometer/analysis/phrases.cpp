#include "inferometer/analysis/phrases.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>

#include <fmt/format.h>

namespace ifm::phrases {
namespace {

struct Unit {
  double seconds;
  const char* name;
};

Unit unit_for(double s) {
  const double size = std::abs(s);
  if (size >= 1 || size == 0) return {1, "s"};
  if (size >= 1e-3) return {1e-3, "ms"};
  return {1e-6, "µs"};
}

/// Decimals that show `digits` significant digits of x.
int decimals(double x, int digits) {
  if (x == 0) return 0;
  const int magnitude = static_cast<int>(std::floor(std::log10(std::abs(x))));
  return std::clamp(digits - 1 - magnitude, 0, 12);
}

}  // namespace

std::string number(double x) { return fmt::format("{:.{}f}", x, decimals(x, 3)); }

std::string seconds(double s) {
  const Unit unit = unit_for(s);
  return fmt::format("{} {}", number(s / unit.seconds), unit.name);
}

std::string seconds(const Interval& ends) {
  const Unit unit = unit_for(std::max(std::abs(ends.low), std::abs(ends.high)));
  const double high = ends.high / unit.seconds;
  const int places = decimals(high, 3);
  return fmt::format("{:.{}f} to {:.{}f} {}", ends.low / unit.seconds, places, high, places, unit.name);
}

std::string interval(const Interval& ends) {
  const int places = decimals(std::max(std::abs(ends.low), std::abs(ends.high)), 3);
  return fmt::format("{:.{}f} to {:.{}f}", ends.low, places, ends.high, places);
}

std::string percent(double share) {
  const double x = 100 * share;
  const double size = std::abs(x);
  if (size > 0 && size < 1e-4) return "under 0.0001 %";
  return fmt::format("{:.{}f} %", x, size >= 1 ? 1 : decimals(x, 2));
}

std::string percent(const Interval& shares) {
  const double high = 100 * shares.high;
  const int places = std::abs(high) >= 1 ? 1 : decimals(high, 2);
  return fmt::format("{:.{}f} to {:.{}f} %", 100 * shares.low, places, high, places);
}

std::string change(double ratio) {
  const double x = 100 * (ratio - 1);
  return fmt::format("{:+.{}f} %", x, std::clamp(decimals(x, 2), 1, 4));
}

std::string change(const Interval& ratios) {
  const double low = 100 * (ratios.low - 1);
  const double high = 100 * (ratios.high - 1);
  const int places = std::clamp(decimals(std::max(std::abs(low), std::abs(high)), 2), 1, 4);
  return fmt::format("{:+.{}f} to {:+.{}f} %", low, places, high, places);
}

std::string p_value(double p) {
  if (p < 0.001) return "p < 0.001";
  return fmt::format("p = {:.{}f}", p, p < 0.1 ? 3 : 2);
}

std::string count(int n) {
  static constexpr std::array<const char*, 11> kWords{"no",  "one",   "two",   "three", "four", "five",
                                                      "six", "seven", "eight", "nine",  "ten"};
  if (n >= 0 && n < static_cast<int>(kWords.size())) return kWords[static_cast<size_t>(n)];
  return fmt::format("{}", n);
}

std::string runs(int n) { return fmt::format("{} {}", n, n == 1 ? "run" : "runs"); }

std::string scope(const Study& study) {
  const auto prompts = static_cast<int>(study.by_prompt.size());
  if (prompts == 1) return "for this one prompt";
  return fmt::format("for these {} prompts", count(prompts));
}

std::string prefix(const Study& study, const std::string& series) {
  if (study.by_model.size() < 2 || series.empty()) return "";
  return series + ": ";
}

std::string metric(const std::string& name) {
  static const std::map<std::string, std::string> names{{"latency_s", "latency"},
                                                        {"throughput_tok_per_s", "output speed"},
                                                        {"ttft_s", "time to first token"},
                                                        {"decode_tok_per_s", "decode speed"}};
  const auto found = names.find(name);
  return found == names.end() ? name : found->second;
}

std::string factor(const std::string& name) {
  static const std::map<std::string, std::string> names{{"max_tokens", "output length"},
                                                        {"block", "block (time)"},
                                                        {"interactions", "combinations of factors"},
                                                        {"residual", "repeats of the same cell"}};
  const auto found = names.find(name);
  return found == names.end() ? name : found->second;
}

std::string capital(std::string text) {
  if (!text.empty() && text.front() >= 'a' && text.front() <= 'z') text.front() = static_cast<char>(text.front() - 'a' + 'A');
  return text;
}

}  // namespace ifm::phrases
