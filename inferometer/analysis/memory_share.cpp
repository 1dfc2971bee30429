#include <algorithm>

#include "inferometer/analysis/effects.h"

namespace ifm {

const SessionModel* loaded_model(const Study& study, const Group& series) {
  const auto found = std::ranges::find_if(study.session.models, [&](const SessionModel& m) {
    return m.engine == series.keys.at("engine") && m.model == series.keys.at("model");
  });
  return found == study.session.models.end() ? nullptr : &*found;
}

void fill_memory_shares(Study& study) {
  const std::optional<double>& limit = study.session.environment.read_gb_per_s;
  if (!limit || !(*limit > 0)) return;
  for (const Group& series : study.by_model) {
    const SessionModel* model = loaded_model(study, series);
    // A server reads elsewhere, and MLX perhaps from a GPU's memory: neither has threads of ours.
    if (model == nullptr || model->threads == 0 || !model->bytes_per_token) continue;
    if (!series.decode_tok_per_s.mean) continue;
    const double gb_per_s = static_cast<double>(*model->bytes_per_token) * *series.decode_tok_per_s.mean * 1e-9;
    study.memory_shares.push_back({series.label, gb_per_s, gb_per_s / *limit});
  }
}

}  // namespace ifm
