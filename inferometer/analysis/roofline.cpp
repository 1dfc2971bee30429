#include <algorithm>
#include <optional>

#include "inferometer/analysis/effects.h"

namespace ifm {
namespace {

using Phase = RooflinePoint::Phase;

double as_double(const std::optional<int64_t>& number) { return static_cast<double>(number.value_or(0)); }

/// What a series' model takes for one token; of an engine that does not say, as another one says of the same weights. Null when
/// none does, and of engines that compute elsewhere: they have no threads here.
const SessionModel* model_with_work(const Study& study, const Group& series) {
  const SessionModel* own = loaded_model(study, series);
  if (own == nullptr || own->threads == 0) return nullptr;
  const auto knows = [](const SessionModel& m) { return m.macs_per_token && m.head_macs && m.bytes_per_token; };
  if (knows(*own)) return own;
  const std::vector<SessionModel>& models = study.session.models;
  const auto other =
      std::ranges::find_if(models, [&](const SessionModel& m) { return knows(m) && !m.hash.empty() && m.hash == own->hash; });
  return other == models.end() ? nullptr : &*other;
}

/// Mean numbers of tokens of a series' timed runs: of the prompt that were evaluated, and of the answer.
struct MeanTokens {
  double prompt = 0;
  double output = 0;
};
std::optional<MeanTokens> mean_tokens(const Study& study, const Group& series) {
  MeanTokens sum;
  int n = 0;
  for (const Run& run : study.runs) {
    if (!is_timed(run) || !run.prompt_tokens || !run.output_tokens) continue;
    if (run.engine != series.keys.at("engine") || run.model != series.keys.at("model")) continue;
    sum.prompt += *run.prompt_tokens - run.cached_tokens.value_or(0);
    sum.output += *run.output_tokens;
    ++n;
  }
  if (n == 0 || sum.prompt <= 0) return std::nullopt;
  return MeanTokens{sum.prompt / n, sum.output / n};
}

/// `macs` multiply-adds and `bytes` from memory, `per_s` times a second, below the lower of both limits.
RooflinePoint point_of(const Environment& machine, double macs, double bytes, double per_s) {
  RooflinePoint point;
  point.macs_per_byte = macs / bytes;
  point.gmac_per_s = macs * per_s * 1e-9;
  point.limit_gmac_per_s = std::min(*machine.int8_gmac_per_s, *machine.read_gb_per_s * point.macs_per_byte);
  return point;
}

/// A step in the middle of the answers: all weights, the cache of the positions before it, and attention over them.
RooflinePoint decode_point(const Environment& machine, const SessionModel& model, const MeanTokens& tokens, double tok_per_s) {
  const double depth = tokens.prompt + tokens.output / 2;
  const double macs =
      as_double(model.macs_per_token) + as_double(model.head_macs) + as_double(model.attention_macs_per_position) * depth;
  const double bytes = as_double(model.bytes_per_token) + as_double(model.cache_bytes_per_position) * depth;
  return point_of(machine, macs, bytes, tok_per_s);
}

/// A whole prompt: all weights once, each token's layers, attention over what it sees, and the head once.
RooflinePoint prefill_point(const Environment& machine, const SessionModel& model, const MeanTokens& tokens, double tok_per_s) {
  const double p = tokens.prompt;
  const double macs = as_double(model.macs_per_token) * p - as_double(model.logits_only_macs) * (p - 1) +
                      as_double(model.attention_macs_per_position) * p * (p + 1) / 2 + as_double(model.head_macs);
  const double bytes = as_double(model.bytes_per_token) + as_double(model.cache_bytes_per_position) * p;
  return point_of(machine, macs, bytes, tok_per_s / p);
}

}  // namespace

void fill_roofline(Study& study) {
  const Environment& machine = study.session.environment;
  if (!(machine.read_gb_per_s.value_or(0) > 0) || !(machine.int8_gmac_per_s.value_or(0) > 0)) return;
  for (const Group& series : study.by_model) {
    const SessionModel* model = model_with_work(study, series);
    const std::optional<MeanTokens> tokens = mean_tokens(study, series);
    if (model == nullptr || !tokens) continue;
    const auto add = [&](Phase phase, RooflinePoint point) {
      point.series = series.label;
      point.phase = phase;
      study.roofline.push_back(point);
    };
    if (series.prefill_tok_per_s.mean)
      add(Phase::prefill, prefill_point(machine, *model, *tokens, *series.prefill_tok_per_s.mean));
    if (series.decode_tok_per_s.mean) add(Phase::decode, decode_point(machine, *model, *tokens, *series.decode_tok_per_s.mean));
  }
}

}  // namespace ifm
