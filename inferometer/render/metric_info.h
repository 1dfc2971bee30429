#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "inferometer/analysis/study.h"
#include "inferometer/render/number.h"

namespace ifm {

/// A metric of a Group: its key in files, its name for people, and how its numbers are shown.
struct MetricInfo {
  const char* key;
  const char* name;
  const char* rate_unit;  ///< null = seconds
  MetricSummary Group::*summary;
};

inline constexpr std::array<MetricInfo, 8> kMetrics{{
    {"latency_s", "Latency", nullptr, &Group::latency_s},
    {"throughput_tok_per_s", "Throughput", "tok/s", &Group::throughput_tok_per_s},
    {"ttft_s", "Time to first token", nullptr, &Group::ttft_s},
    {"decode_tok_per_s", "Decode speed", "tok/s", &Group::decode_tok_per_s},
    {"prefill_tok_per_s", "Prefill speed", "tok/s", &Group::prefill_tok_per_s},
    {"tpot_s", "Time per output token", nullptr, &Group::tpot_s},
    {"load_s", "Model load", nullptr, &Group::load_s},
    {"joules_per_token", "Energy per token", "J", &Group::joules_per_token},
}};

/// The metric of that key; null when there is none.
[[nodiscard]] const MetricInfo* find_metric(std::string_view key);
/// "Latency" for "latency_s"; the key itself when it is not one of ours.
[[nodiscard]] std::string metric_name(std::string_view key);
/// "output length" for "max_tokens", "run to run" for "residual"; the factor itself when it is not one of ours.
[[nodiscard]] std::string factor_name(std::string_view factor);
/// One scale for all these groups' values of a metric.
[[nodiscard]] Scale scale_of_metric(const MetricInfo& metric, const std::vector<Group>& groups);
/// A metric's level of a factor: "64" for "max_tokens"; the group's label when it has no such key.
[[nodiscard]] std::string level_of(const Group& group, const std::string& factor);
/// "[2.61, 2.75]" in a scale; an en dash when it is missing.
[[nodiscard]] std::string interval_text(const std::optional<Interval>& interval, const Scale& scale);
/// "+1.2 %" for 1.012; an en dash when it is missing.
[[nodiscard]] std::string change_text(std::optional<double> ratio);

/// Whether a factor's level as text ("0.3") is this number.
[[nodiscard]] bool is_number(const std::string& level, double value);
/// Whether a run belongs to a group by its keys: mode, engine, model, prompt, max_tokens, temperature.
[[nodiscard]] bool belongs_to(const Run& run, const Group& group);
/// The position in by_model of the series that a smaller group (a length of it, a cell of it) is part of.
[[nodiscard]] std::optional<size_t> series_of(const Study& study, const Group& part);
/// The position in by_model of a run's series; null when no series fits.
[[nodiscard]] std::optional<size_t> series_of(const Study& study, const Run& run);

}  // namespace ifm
