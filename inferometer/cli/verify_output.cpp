#include "inferometer/cli/verify_output.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "inferometer/cli/terminal.h"

namespace ifm {
namespace {

Json interval_json(const std::optional<Interval>& interval) {
  return interval ? Json::array({interval->low, interval->high}) : Json(nullptr);
}

/// exp of a mean and its interval.
MeanOfPositions perplexity(const MeanOfPositions& nll) {
  MeanOfPositions ppl{.value = std::exp(nll.value), .ci95 = {}};
  if (nll.ci95) ppl.ci95 = Interval{std::exp(nll.ci95->low), std::exp(nll.ci95->high)};
  return ppl;
}

MeanOfPositions bits_per_byte(const MeanOfPositions& nll, const VerifyReport& report) {
  const double factor = report.agreement.positions / static_cast<double>(report.found.target_bytes) / std::numbers::ln2;
  MeanOfPositions bits{.value = nll.value * factor, .ci95 = {}};
  if (nll.ci95) bits.ci95 = Interval{nll.ci95->low * factor, nll.ci95->high * factor};
  return bits;
}

std::string with_interval(const MeanOfPositions& mean, int digits) {
  std::string text = fmt::format("{:.{}g}", mean.value, digits);
  if (mean.ci95) text += fmt::format(" [{:.{}g}, {:.{}g}]", mean.ci95->low, digits, mean.ci95->high, digits);
  return text;
}

Json side_json(const VerifySide& side) {
  return {{"model", side.info.name},
          {"engine", side.engine},
          {"engine_version", side.version},
          {"isa", json_or_null(side.info.isa)},
          {"accuracy", json_or_null(side.info.accuracy)},
          {"quantization", json_or_null(side.info.quantization)}};
}

std::string side_text(const VerifySide& side) {
  std::string text = fmt::format("{} · {} {}", side.info.name, side.engine, side.version);
  for (const std::string& part : {side.info.quantization, side.info.isa, side.info.accuracy}) {
    if (!part.empty()) text += " · " + part;
  }
  return printable(text);
}

std::string divergence_text(const VerifyReport& report) {
  const Verified& found = report.found;
  if (found.continuations == 0) return {};
  std::string text = fmt::format("\n{} greedy continuations, {} tokens alike, {} part", found.continuations,
                                 found.continued_tokens, found.divergences.size());
  const double error = report.agreement.margin_error_max;
  const auto unexplained = std::ranges::count_if(found.divergences, [&](const Divergence& d) { return !is_rounding(d, error); });
  text += unexplained == 0 ? ".\n" : fmt::format(", {} not by rounding.\n", unexplained);
  if (found.divergences.empty()) return text;
  TextTable table({"prompt", "token", "logits apart here", "there", "why", "tokens"});
  for (std::size_t i = 0; i < found.divergences.size(); ++i) {
    const Divergence& d = found.divergences[i];
    table.add({std::to_string(d.prompt), std::to_string(d.token), fmt::format("{:.2g}", d.gap),
               fmt::format("{:.2g}", d.reference_gap), is_rounding(d, error) ? "rounding" : "NOT rounding",
               report.divergent_tokens[i]});
  }
  return text + table.plain() +
         fmt::format("rounding: within {:.2g}, by which the two differ about two logits on the text at most.\n", error);
}

}  // namespace

Json verify_json(const VerifyReport& report) {
  const AgreementSummary& a = report.agreement;
  const MeanOfPositions ppl = perplexity(a.nll);
  const MeanOfPositions reference_ppl = perplexity(a.reference_nll);
  const MeanOfPositions bits = bits_per_byte(a.nll, report);
  const MeanOfPositions reference_bits = bits_per_byte(a.reference_nll, report);
  Json buckets = Json::array();
  for (const PositionBucket& bucket : a.buckets) {
    buckets.push_back({{"from", bucket.from},
                       {"to", bucket.to},
                       {"positions", bucket.positions},
                       {"kl_mean", bucket.kl_mean},
                       {"same_top", bucket.same_top}});
  }
  Json divergences = Json::array();
  for (const Divergence& d : report.found.divergences) {
    divergences.push_back({{"prompt", d.prompt},
                           {"token", d.token},
                           {"id_a", d.id},
                           {"id_b", d.reference_id},
                           {"gap_a", d.gap},
                           {"gap_b", d.reference_gap},
                           {"rounding", is_rounding(d, a.margin_error_max)}});
  }
  const bool continued = report.found.continuations > 0;
  return {{"a", side_json(report.side)},
          {"b", side_json(report.reference)},
          {"positions", a.positions},
          {"windows", a.windows},
          {"ppl_a", ppl.value},
          {"ppl_a_ci95", interval_json(ppl.ci95)},
          {"ppl_b", reference_ppl.value},
          {"ppl_b_ci95", interval_json(reference_ppl.ci95)},
          {"bits_per_byte_a", bits.value},
          {"bits_per_byte_a_ci95", interval_json(bits.ci95)},
          {"bits_per_byte_b", reference_bits.value},
          {"bits_per_byte_b_ci95", interval_json(reference_bits.ci95)},
          {"kl_mean", a.kl.value},
          {"kl_mean_ci95", interval_json(a.kl.ci95)},
          {"kl_p99", json_or_null(a.kl_p99)},
          {"kl_p999", json_or_null(a.kl_p999)},
          {"kl_max", a.kl_max},
          {"same_top", a.same_top},
          {"margin_error_p99", a.margin_error_p99},
          {"margin_error_max", a.margin_error_max},
          {"by_position", std::move(buckets)},
          {"continuations", continued ? Json(report.found.continuations) : Json(nullptr)},
          {"continued_tokens", continued ? Json(report.found.continued_tokens) : Json(nullptr)},
          {"divergences", continued ? std::move(divergences) : Json(nullptr)}};
}

std::string verify_text_of(const VerifyReport& report) {
  const AgreementSummary& a = report.agreement;
  std::string text = fmt::format("A: {}\nB: {} (the reference)\n\n", side_text(report.side), side_text(report.reference));
  TextTable values({"", "A", "B"}, TextTable::Numbers::as_words);
  values.add({"perplexity", with_interval(perplexity(a.nll), 6), with_interval(perplexity(a.reference_nll), 6)});
  values.add({"bits per byte", with_interval(bits_per_byte(a.nll, report), 4),
              with_interval(bits_per_byte(a.reference_nll, report), 4)});
  text += values.plain();
  text += fmt::format("\n{} positions in {} windows; intervals: 95 %, over windows.\nKL(B, A): mean {} nats", a.positions,
                      a.windows, with_interval(a.kl, 3));
  if (a.kl_p99) text += fmt::format(", p99 {:.3g}", *a.kl_p99);
  if (a.kl_p999) text += fmt::format(", p99.9 {:.3g}", *a.kl_p999);
  text += fmt::format(", largest {:.3g}\nsame token likeliest: {:.2f} %\n\n", a.kl_max, 100 * a.same_top);
  TextTable table({"position", "count", "KL mean", "same top"});
  for (const PositionBucket& bucket : a.buckets) {
    table.add({fmt::format("{}-{}", bucket.from, bucket.to - 1), std::to_string(bucket.positions),
               fmt::format("{:.2e}", bucket.kl_mean), fmt::format("{:.2f} %", 100 * bucket.same_top)});
  }
  return text + table.plain() + divergence_text(report);
}

}  // namespace ifm
