#include "inferometer/report/summary_json.h"

#include <cmath>

#include <nlohmann/json.hpp>

#include "inferometer/render/metric_info.h"

namespace ifm {
namespace {

using Json = nlohmann::ordered_json;

Json number(const std::optional<double>& value) { return value && std::isfinite(*value) ? Json(*value) : Json(nullptr); }

template <typename T>
Json integer(const std::optional<T>& value) {
  return value ? Json(*value) : Json(nullptr);
}

Json text_or_null(const std::string& text) { return text.empty() ? Json(nullptr) : Json(text); }

Json pair(const std::optional<Interval>& interval) {
  return interval ? Json::array({number(interval->low), number(interval->high)}) : Json(nullptr);
}

Json metric_json(const MetricSummary& s) {
  const auto reason = [&](NoInterval why) { return s.n > 0 ? text_or_null(to_string(why)) : Json(); };
  return {{"n", s.n},
          {"mean", number(s.mean)},
          {"sd", number(s.sd)},
          {"sd_within", number(s.sd_within)},
          {"cv_within", number(s.cv_within)},
          {"cv_within_ci95", pair(s.cv_within_ci95)},
          {"min", number(s.min)},
          {"median", number(s.median)},
          {"p90", number(s.p90)},
          {"max", number(s.max)},
          {"ci95", pair(s.ci95)},
          {"median_ci95", pair(s.median_ci95)},
          {"p90_ci95", pair(s.p90_ci95)},
          {"ci95_reason", reason(s.ci95_reason)},
          {"median_ci95_reason", reason(s.median_ci95_reason)},
          {"p90_ci95_reason", reason(s.p90_ci95_reason)}};
}

void add_metrics(Json& json, const Group& group) {
  for (const MetricInfo& metric : kMetrics) json[metric.key] = metric_json(group.*metric.summary);
  json["total_tok_per_s"] = number(group.total_tok_per_s);
}

/// A group's level as a number where it is one ("64", "0.3"), else as text.
Json level_json(const std::string& factor, const std::string& level) {
  if (factor != "max_tokens" && factor != "temperature") return level;
  const Json parsed = Json::parse(level, nullptr, false);
  return parsed.is_number() ? parsed : Json(level);
}

Json groups_json(const std::vector<Group>& groups) {
  Json list = Json::array();
  for (const Group& group : groups) {
    Json json;
    json["label"] = group.label;
    for (const auto& [factor, level] : group.keys) json[factor] = level_json(factor, level);
    json["runs_ok"] = group.runs_ok;
    json["runs_failed"] = group.runs_failed;
    add_metrics(json, group);
    list.push_back(std::move(json));
  }
  return list;
}

Json scaling_json(const Study& study) {
  Json list = Json::array();
  for (const Scaling& fit : study.scaling) {
    list.push_back({{"series", fit.series},
                    {"n", fit.n},
                    {"lengths", fit.lengths},
                    {"min_tokens", fit.min_tokens},
                    {"max_tokens", fit.max_tokens},
                    {"fixed_s", number(fit.fixed_s)},
                    {"fixed_ci95", pair(fit.fixed_ci95)},
                    {"ci95_reason", text_or_null(to_string(fit.no_interval))},
                    {"per_token_s", number(fit.per_token_s)},
                    {"per_token_ci95", pair(fit.per_token_ci95)},
                    {"r2", number(fit.r2)},
                    {"lack_of_fit_p", number(fit.lack_of_fit_p)},
                    {"largest_deviation", number(fit.largest_deviation)},
                    {"limit_tok_per_s", number(fit.limit_tok_per_s)},
                    {"limit_ci95", pair(fit.limit_ci95)},
                    {"shortest_tok_per_s", number(fit.shortest_tok_per_s)},
                    {"shortest_ci95", pair(fit.shortest_ci95)},
                    {"longest_tok_per_s", number(fit.longest_tok_per_s)},
                    {"longest_ci95", pair(fit.longest_ci95)},
                    {"seconds_500", number(fit.seconds_500)},
                    {"seconds_500_ci95", pair(fit.seconds_500_ci95)}});
  }
  return list;
}

Json temperature_json(const Study& study) {
  Json list = Json::array();
  for (const TemperatureEffect& effect : study.temperature) {
    list.push_back({{"metric", effect.metric},
                    {"series", text_or_null(effect.series)},
                    {"low", effect.low},
                    {"high", effect.high},
                    {"pairs", effect.pairs},
                    {"ratio", number(effect.ratio)},
                    {"ratio_ci90", pair(effect.ratio_ci90)},
                    {"ratio_ci95", pair(effect.ratio_ci95)},
                    {"p_value", number(effect.p_value)},
                    {"margin", effect.margin},
                    {"detectable", number(effect.detectable)},
                    {"verdict", to_string(effect.verdict)}});
  }
  return list;
}

/// metric → factor → share.
Json variance_json(const Study& study) {
  Json json = Json::object();
  for (const VarianceShare& share : study.variance) json[share.metric][share.factor] = number(share.share);
  return json;
}

Json variance_list_json(const Study& study) {
  Json list = Json::array();
  for (const VarianceShare& share : study.variance) {
    list.push_back({{"metric", share.metric},
                    {"factor", share.factor},
                    {"share", number(share.share)},
                    {"degrees_of_freedom", share.degrees_of_freedom},
                    {"p_value", number(share.p_value)}});
  }
  return list;
}

Json series_effects_json(const Study& study) {
  Json list = Json::array();
  for (const SeriesEffect& effect : study.series_effects) {
    list.push_back({{"metric", effect.metric},
                    {"series", effect.series},
                    {"reference", effect.reference},
                    {"pairs", effect.pairs},
                    {"ratio", number(effect.ratio)},
                    {"ratio_ci95", pair(effect.ratio_ci95)}});
  }
  return list;
}

Json token_gaps_json(const Study& study) {
  Json list = Json::array();
  for (const TokenGaps& gaps : study.token_gaps) {
    list.push_back({{"series", gaps.series},
                    {"kind", gaps.one_token_events ? "itl" : "icl"},
                    {"runs", gaps.runs},
                    {"gaps", gaps.gaps},
                    {"mean_s", gaps.mean_s},
                    {"mean_ci95", pair(gaps.mean_ci95)},
                    {"p50_s", gaps.p50_s},
                    {"p50_ci95", pair(gaps.p50_ci95)},
                    {"p90_s", number(gaps.p90_s)},
                    {"p90_ci95", pair(gaps.p90_ci95)},
                    {"p99_s", number(gaps.p99_s)},
                    {"p99_ci95", pair(gaps.p99_ci95)},
                    {"max_s", gaps.max_s},
                    {"ci95_reason", text_or_null(to_string(gaps.no_interval))}});
  }
  return list;
}

Json roofline_json(const Study& study) {
  Json list = Json::array();
  for (const RooflinePoint& point : study.roofline) {
    list.push_back({{"series", point.series},
                    {"phase", to_string(point.phase)},
                    {"macs_per_byte", point.macs_per_byte},
                    {"gmac_per_s", point.gmac_per_s},
                    {"limit_gmac_per_s", point.limit_gmac_per_s},
                    {"share", point.share()}});
  }
  return list;
}

Json memory_json(const Study& study) {
  Json list = Json::array();
  for (const MemoryShare& memory : study.memory_shares)
    list.push_back({{"series", memory.series}, {"gb_per_s", memory.gb_per_s}, {"share", memory.share}});
  return list;
}

Json determinism_json(const Study& study) {
  Json list = Json::array();
  for (const Determinism& d : study.determinism)
    list.push_back({{"series", d.series}, {"runs", d.runs}, {"cells", d.cells}, {"cells_differing", d.cells_differing}});
  return list;
}

Json flags_json(const Study& study) {
  Json json = Json::object();
  for (const FlagCount& flag : study.flags) json[flag.flag] = flag.runs;
  return json;
}

Json fitness_json(const Study& study) {
  Json list = Json::array();
  for (const Fitness& fit : study.fitness) {
    list.push_back({{"series", fit.series}, {"use", fit.use}, {"verdict", to_string(fit.verdict)}});
  }
  return list;
}

Json sentences_json(const std::vector<Conclusion>& conclusions) {
  Json list = Json::array();
  for (const Conclusion& conclusion : conclusions) list.push_back({{"id", conclusion.id}, {"text", conclusion.text}});
  return list;
}

Json environment_json(const Environment& e) {
  return {{"cpu", text_or_null(e.cpu)},
          {"physical_cores", integer(e.physical_cores)},
          {"logical_cores", integer(e.logical_cores)},
          {"sockets", integer(e.sockets)},
          {"numa_nodes", integer(e.numa_nodes)},
          {"caches", text_or_null(e.caches)},
          {"microcode", text_or_null(e.microcode)},
          {"memory_bytes", integer(e.memory_bytes)},
          {"host_class", text_or_null(e.host_class)},
          {"os", text_or_null(e.os)},
          {"kernel", text_or_null(e.kernel)},
          {"isa", text_or_null(e.isa)},
          {"compiler", text_or_null(e.compiler)},
          {"compiler_flags", text_or_null(e.compiler_flags)},
          {"inferometer_version", text_or_null(e.inferometer_version)},
          {"inferometer_commit", text_or_null(e.inferometer_commit)},
          {"read_gb_per_s", number(e.read_gb_per_s)},
          {"int8_gmac_per_s", number(e.int8_gmac_per_s)},
          {"idle_power_w", number(e.idle_power_w)},
          {"governor", text_or_null(e.governor)},
          {"boost", text_or_null(e.boost)},
          {"gpu", text_or_null(e.gpu)},
          {"load_1m", number(e.load_1m)},
          {"steal_percent", number(e.steal_percent)},
          {"cpu_quota_cores", number(e.cpu_quota_cores)},
          {"power_source", text_or_null(e.power_source)},
          {"timer_resolution_ns", number(e.timer_resolution_ns)},
          {"clock_stamp_ns", number(e.clock_stamp_ns)},
          {"sleep_late_p50_ns", number(e.sleep_late_p50_ns)},
          {"sleep_late_p99_ns", number(e.sleep_late_p99_ns)},
          {"harness_overhead_ns_per_token", number(e.harness_overhead_ns_per_token)},
          {"unavailable", e.unavailable}};
}

Json models_json(const Session& session) {
  Json list = Json::array();
  for (const SessionModel& m : session.models) {
    list.push_back({{"engine", m.engine},
                    {"model", m.model},
                    {"architecture", text_or_null(m.architecture)},
                    {"quantization", text_or_null(m.quantization)},
                    {"hash", text_or_null(m.hash)},
                    {"isa", text_or_null(m.isa)},
                    {"accuracy", text_or_null(m.accuracy)},
                    {"threads", m.threads > 0 ? Json(m.threads) : Json(nullptr)},
                    {"weight_bytes", integer(m.weight_bytes)},
                    {"load_s", number(m.load_s)}});
  }
  return list;
}

}  // namespace

std::string summary_json(const Study& study) {
  Json json;
  json["session"] = study.session.id;
  json["plan"] = study.session.plan.name;
  json["plan_hash"] = text_or_null(study.session.plan.hash);
  json["started_utc"] = text_or_null(study.session.started_utc);
  json["finished_utc"] = text_or_null(study.session.finished_utc);
  json["runs_ok"] = study.runs_ok;
  json["runs_failed"] = study.runs_failed;
  json["runs_warmup"] = study.runs_warmup;
  json["runs_invalid"] = study.runs_invalid;
  add_metrics(json, study.overall);
  json["by_model"] = groups_json(study.by_model);
  json["by_engine"] = groups_json(study.by_engine);
  json["by_mode"] = groups_json(study.by_mode);
  json["by_prompt"] = groups_json(study.by_prompt);
  json["by_max_tokens"] = groups_json(study.by_max_tokens);
  json["by_temperature"] = groups_json(study.by_temperature);
  json["scaling"] = scaling_json(study);
  json["temperature_effect"] = temperature_json(study);
  json["variance_share"] = variance_json(study);
  json["variance"] = variance_list_json(study);
  json["series_effect"] = series_effects_json(study);
  json["token_gaps"] = token_gaps_json(study);
  json["memory_share"] = memory_json(study);
  json["roofline"] = roofline_json(study);
  json["determinism"] = determinism_json(study);
  json["drift_percent_per_hour"] = number(study.drift_percent_per_hour);
  json["drift_ci95"] = pair(study.drift_ci95);
  json["drift_percent_session"] = number(study.drift_percent_session);
  json["drift_session_ci95"] = pair(study.drift_session_ci95);
  json["smallest_gap_s"] = number(study.smallest_gap_s);
  json["lag1_autocorrelation"] = number(study.lag1_autocorrelation);
  json["effective_runs"] = number(study.effective_runs);
  json["outliers"] = integer(study.outliers);
  json["outlier_runs"] = study.outlier_runs;
  json["flags"] = flags_json(study);
  json["unflagged_latency_s"] = study.unflagged_latency_s ? metric_json(*study.unflagged_latency_s) : Json(nullptr);
  json["fitness"] = fitness_json(study);
  json["conclusions"] = sentences_json(study.conclusions);
  json["warnings"] = sentences_json(study.warnings);
  json["environment"] = environment_json(study.session.environment);
  json["models"] = models_json(study.session);
  // A name that is not UTF-8 must not keep the numbers back.
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + '\n';
}

}  // namespace ifm
