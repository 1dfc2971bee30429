#include <cmath>
#include <optional>
#include <string>

#include <nlohmann/json.hpp>

#include "inferometer/report/comparison.h"

namespace ifm {
namespace {

using Json = nlohmann::ordered_json;

/// A log ratio as a share: 0.05 for 5 % slower.
Json share(std::optional<double> log_ratio) { return log_ratio ? Json(std::expm1(*log_ratio)) : Json(nullptr); }

Json interval(const std::optional<Interval>& value) {
  return value ? Json::array({std::expm1(value->low), std::expm1(value->high)}) : Json(nullptr);
}

Json number(const std::optional<double>& value) { return value ? Json(*value) : Json(nullptr); }

Json text(const std::string& value) { return value.empty() ? Json(nullptr) : Json(value); }

Json cell_json(const ComparedCell& cell) {
  const stats::PairedEffect& e = cell.effect;
  return {{"prompt", cell.prompt},
          {"max_tokens", cell.max_tokens},
          {"temperature", cell.temperature},
          {"metric", cell.metric},
          {"a_s", number(cell.mean_a)},
          {"b_s", number(cell.mean_b)},
          {"pairs", e.pairs},
          {"dropped_pairs", cell.dropped},
          {"runs_a", cell.runs_a > 0 ? Json(cell.runs_a) : Json(nullptr)},
          {"runs_b", cell.runs_b > 0 ? Json(cell.runs_b) : Json(nullptr)},
          {"effect", share(e.effect)},
          {"ci95", interval(e.ci95)},
          {"ci90", interval(e.ci90)},
          {"p_slower", e.pairs > 0 ? Json(e.p_slower) : Json(nullptr)},
          {"p_faster", e.pairs > 0 ? Json(e.p_faster) : Json(nullptr)},
          {"detectable_effect", share(e.detectable)},
          {"sd_turn", number(cell.sd_turn)},
          {"sd_between", number(cell.sd_between)},
          {"p_permutation", number(cell.p_permutation)},
          {"more_pairs", e.more_pairs ? Json(*e.more_pairs) : Json(nullptr)},
          {"verdict", stats::to_string(e.verdict)}};
}

Json side_json(const ComparedSide& side) {
  Json json{
      {"session", side.session}, {"engine", side.engine.kind}, {"program", text(side.engine.program)}, {"model", side.model}};
  if (side.loaded) {
    json["engine_version"] = text(side.loaded->engine_version);
    json["hash"] = text(side.loaded->hash);
    json["isa"] = text(side.loaded->isa);
    json["accuracy"] = text(side.loaded->accuracy);
    json["threads"] = side.loaded->threads;
  }
  return json;
}

}  // namespace

std::string comparison_json(const ComparisonReport& report) {
  Json cells = Json::array();
  for (const ComparedCell& cell : report.cells) cells.push_back(cell_json(cell));
  const std::optional<stats::PairedEffect>& overall = report.overall;
  const Json document{
      {"verdict", comparison_verdict(report)},
      {"why", report.incomparable},
      {"effect", overall ? share(overall->effect) : Json(nullptr)},
      {"ci95", overall ? interval(overall->ci95) : Json(nullptr)},
      {"min_effect", share(report.margin)},
      {"detectable_effect", overall ? share(overall->detectable) : Json(nullptr)},
      {"design", report.design == ComparedDesign::pairs ? "pairs" : "sessions"},
      {"pairs", report.pairs},
      {"extra_pairs", report.extra_pairs},
      {"flagged_pairs", report.flagged_pairs},
      {"flagged_runs_a", report.flagged_a},
      {"flagged_runs_b", report.flagged_b},
      {"verdict_unflagged", report.verdict_unflagged ? Json(stats::to_string(*report.verdict_unflagged)) : Json(nullptr)},
      {"same_ids", report.same_ids ? Json(*report.same_ids) : Json(nullptr)},
      {"session", report.sides[0].session},
      {"plan", report.plan},
      {"a", side_json(report.sides[0])},
      {"b", side_json(report.sides[1])},
      {"cells", cells}};
  return document.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace ifm
