#include "inferometer/report/reproduction.h"

#include <algorithm>
#include <array>
#include <cmath>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "inferometer/render/number.h"

namespace ifm {
namespace {

using Json = nlohmann::ordered_json;

/// How a claim's two values are shown.
enum class Shown { runs, time, share, ratio };

struct ClaimInfo {
  const char* id;
  const char* name;
  Shown shown;
};
constexpr std::array<ClaimInfo, 10> kClaims{{
    {"token_ids", "the same tokens", Shown::runs},
    {"token_counts", "the same numbers of tokens", Shown::runs},
    {"failed_runs", "no cell fails that did not", Shown::runs},
    {"same_greedy_answers", "greedy answers repeat", Shown::runs},
    {"ttft_s", "time to first token", Shown::time},
    {"tpot_s", "time per output token", Shown::time},
    {"latency_s", "latency", Shown::time},
    {"length_shape", "shape over lengths", Shown::ratio},
    {"prefill_share", "prefill's share of the limit", Shown::share},
    {"decode_share", "decode's share of the limit", Shown::share},
}};
constexpr ClaimInfo kTemperature{"temperature_effect", "effect of temperature", Shown::ratio};

const ClaimInfo& info_of(const Claim& claim) {
  const auto* const found = std::ranges::find_if(kClaims, [&](const ClaimInfo& info) { return claim.id == info.id; });
  return found != kClaims.end() ? *found : kTemperature;
}

/// A log ratio as a percentage: "4.8 %".
std::string percent(std::optional<double> log_ratio) {
  constexpr double kMost = 10;  // beyond it nobody needs to know
  if (!log_ratio) return {};
  if (std::expm1(*log_ratio) > kMost) return "over 1000 %";
  return fmt::format("{} %", decimal(100 * std::expm1(*log_ratio), 1));
}

/// The same with its sign: "+4.8 %".
std::string signed_percent(std::optional<double> log_ratio) {
  const std::string text = percent(log_ratio);
  const bool unsigned_number = !text.empty() && text[0] >= '0' && text[0] <= '9';
  return unsigned_number ? "+" + text : text;
}

std::string value_text(const Claim& claim, std::optional<double> value) {
  if (!value) return "–";
  switch (info_of(claim).shown) {
    case Shown::runs:
      return fmt::format("{}", *value);
    case Shown::time:
      return duration_text(value);
    case Shown::share:
      return fmt::format("{} %", significant(100 * *value));
    case Shown::ratio:
      return significant(value);
  }
  return "";
}

/// The smallest change that would have been noticed, as a log.
std::optional<double> noticeable(const Claim& claim) {
  if (!claim.interval) return std::nullopt;
  return claim.tolerance + (claim.interval->high - claim.interval->low) / 2;
}

ReportTable claims_table(const std::vector<Claim>& claims) {
  ReportTable table{{{"claim", Align::left},
                     {"of", Align::left},
                     {"then"},
                     {"now"},
                     {"change"},
                     {"not the machine's"},
                     {"would notice"},
                     {"", Align::left}},
                    {}};
  for (const Claim& claim : claims) {
    const std::string interval =
        claim.interval ? fmt::format("{} to {}", signed_percent(claim.interval->low), signed_percent(claim.interval->high))
                       : std::string();
    const std::string least = claim.interval ? percent(noticeable(claim))
                              : claim.change ? percent(claim.tolerance)
                                             : std::string();
    std::string verdict = to_string(claim.held);
    if (!claim.why.empty()) verdict += " (" + claim.why + ")";
    table.rows.push_back({info_of(claim).name, claim.of, value_text(claim, claim.then), value_text(claim, claim.now),
                          signed_percent(claim.change), interval, least, verdict});
  }
  return table;
}

std::string when(const Session& session) {
  return fmt::format("session {} of {}", session.id, session.started_utc.empty() ? "an unknown time" : session.started_utc);
}

std::string machine_text(const Reproduction& found) {
  std::string text = found.same_machine ? "the same" : "another one: shares of its limits and shapes are compared, no times";
  if (found.pace_change)
    text += fmt::format("; its canary takes {} {} than then", percent(std::fabs(*found.pace_change)),
                        *found.pace_change < 0 ? "less" : "longer");
  return text;
}

/// What a reader does next.
std::string advice(const Reproduction& found) {
  switch (found.verdict) {
    case Held::no:
      return "What did not hold lies beyond its tolerance with its whole interval. Whether two builds differ, and by how much, "
             "`inferometer compare` says.";
    case Held::undecided:
      return "Nothing contradicts the record, but what is called undecided would have hidden a change of a quarter: more "
             "repeats in the plan, or a quieter machine, would decide it.";
    default:
      return "A change larger than what stands under \"would notice\" would have been seen.";
  }
}

Json number(const std::optional<double>& value) { return value ? Json(*value) : Json(nullptr); }
Json share(const std::optional<double>& log_ratio) { return log_ratio ? Json(std::expm1(*log_ratio)) : Json(nullptr); }

Json session_json(const Session& session) {
  return {{"session", session.id},
          {"started_utc", session.started_utc},
          {"plan_hash", session.plan.hash},
          {"inferometer_version", session.environment.inferometer_version},
          {"inferometer_commit", session.environment.inferometer_commit},
          {"cpu", session.environment.cpu}};
}

Json claim_json(const Claim& claim) {
  return {{"claim", claim.id},
          {"of", claim.of},
          {"then", number(claim.then)},
          {"now", number(claim.now)},
          {"change", share(claim.change)},
          {"interval",
           claim.interval ? Json::array({std::expm1(claim.interval->low), std::expm1(claim.interval->high)}) : Json(nullptr)},
          {"tolerance", std::expm1(claim.tolerance)},
          {"noticeable", share(noticeable(claim))},
          {"held", to_string(claim.held)},
          {"why", claim.why.empty() ? Json(nullptr) : Json(claim.why)}};
}

}  // namespace

std::string reproduction_verdict(const Reproduction& found) {
  if (!found.impossible.empty()) return "incomparable";
  return found.verdict == Held::yes ? "reproduced" : found.verdict == Held::no ? "not reproduced" : "undecided";
}

Document reproduction_document(const Reproduction& found, const Session& then, const Session& now) {
  Document document{Title{fmt::format("{}: {}", then.plan.name, reproduction_verdict(found)), ""},
                    Facts{{{"then", when(then)}, {"now", when(now)}, {"machine", machine_text(found)}}}};
  if (!found.impossible.empty()) {
    document.emplace_back(Bullets{found.impossible});
    return document;
  }
  if (!found.differs.empty()) {
    document.emplace_back(Paragraph{"Otherwise than then:"});
    document.emplace_back(Bullets{found.differs});
  }
  document.emplace_back(claims_table(found.claims));
  document.emplace_back(Paragraph{advice(found)});
  return document;
}

std::string reproduction_json(const Reproduction& found, const Session& then, const Session& now) {
  Json claims = Json::array();
  for (const Claim& claim : found.claims) claims.push_back(claim_json(claim));
  const Json document{{"verdict", reproduction_verdict(found)},
                      {"why", found.impossible},
                      {"plan", then.plan.name},
                      {"then", session_json(then)},
                      {"now", session_json(now)},
                      {"same_machine", found.same_machine},
                      {"differs", found.differs},
                      {"canary_change", share(found.pace_change)},
                      {"claims", claims}};
  return document.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace ifm
