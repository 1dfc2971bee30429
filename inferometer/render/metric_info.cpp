#include "inferometer/render/metric_info.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

namespace ifm {
namespace {

/// Whether an interval would look like one number, or nearly, with the decimals of a scale.
bool narrow(const std::optional<Interval>& interval, const Scale& scale) {
  return interval && (interval->high - interval->low) * scale.factor < 2 * std::pow(10, -scale.decimals);
}

bool fits(const Run& run, const std::string& factor, const std::string& level) {
  if (factor == "mode") return level == to_string(run.mode);
  if (factor == "engine") return level == run.engine;
  if (factor == "model") return level == run.model;
  if (factor == "prompt") return level == run.prompt;
  if (factor == "max_tokens") return level == fmt::format("{}", run.max_tokens);
  if (factor == "temperature") return is_number(level, run.temperature);
  return true;
}

}  // namespace

const MetricInfo* find_metric(std::string_view key) {
  const auto found = std::find_if(kMetrics.begin(), kMetrics.end(), [key](const MetricInfo& m) { return m.key == key; });
  return found == kMetrics.end() ? nullptr : &*found;
}

std::string metric_name(std::string_view key) {
  const MetricInfo* metric = find_metric(key);
  return metric != nullptr ? metric->name : std::string(key);
}

std::string factor_name(std::string_view factor) {
  if (factor == "max_tokens") return "output length";
  if (factor == "residual") return "from run to run";
  if (factor == "block") return "block (time)";
  return std::string(factor);
}

Scale scale_of_metric(const MetricInfo& metric, const std::vector<Group>& groups) {
  std::vector<double> values;
  for (const Group& group : groups) {
    if (const auto& mean = (group.*metric.summary).mean) values.push_back(*mean);
  }
  Scale scale = metric.rate_unit == nullptr ? scale_of_seconds(values) : scale_of(values, metric.rate_unit);
  const bool too_coarse =
      std::any_of(groups.begin(), groups.end(), [&](const Group& group) { return narrow((group.*metric.summary).ci95, scale); });
  if (too_coarse) ++scale.decimals;
  return scale;
}

std::string level_of(const Group& group, const std::string& factor) {
  const auto found = group.keys.find(factor);
  return found == group.keys.end() ? group.label : found->second;
}

std::string interval_text(const std::optional<Interval>& interval, const Scale& scale) {
  if (!interval) return "–";
  return fmt::format("[{}, {}]", scale.number(interval->low), scale.number(interval->high));
}

std::string change_text(std::optional<double> ratio) {
  if (!ratio) return "–";
  const double percent = (*ratio - 1) * 100;
  const std::string text = decimal(percent, 2);
  return fmt::format("{}{} %", text.find_first_of("123456789") != std::string::npos && percent > 0 ? "+" : "", text);
}

bool is_number(const std::string& level, double value) { return level == shortest(value); }

bool belongs_to(const Run& run, const Group& group) {
  return std::all_of(group.keys.begin(), group.keys.end(), [&](const auto& key) { return fits(run, key.first, key.second); });
}

std::optional<size_t> series_of(const Study& study, const Group& part) {
  for (size_t i = 0; i < study.by_model.size(); ++i) {
    const auto& keys = study.by_model[i].keys;
    const bool holds = std::all_of(keys.begin(), keys.end(), [&](const auto& key) {
      const auto found = part.keys.find(key.first);
      return found != part.keys.end() && found->second == key.second;
    });
    if (holds) return i;
  }
  return std::nullopt;
}

std::optional<size_t> series_of(const Study& study, const Run& run) {
  for (size_t i = 0; i < study.by_model.size(); ++i) {
    if (belongs_to(run, study.by_model[i])) return i;
  }
  return std::nullopt;
}

}  // namespace ifm
