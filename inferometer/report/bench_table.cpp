#include "inferometer/report/bench_table.h"

#include <algorithm>
#include <cmath>
#include <string>

#include <fmt/format.h>

#include "inferometer/stats/describe.h"

namespace ifm {
namespace {

std::string size_text(std::optional<int64_t> bytes) {
  if (!bytes) return {};
  constexpr double kMi = 1024.0 * 1024.0;
  const double mi = static_cast<double>(*bytes) / kMi;
  return mi < 1024 ? fmt::format("{:.2f} MiB", mi) : fmt::format("{:.2f} GiB", mi / 1024);
}

std::string parameters_text(std::optional<int64_t> parameters) {
  if (!parameters) return {};
  const double n = static_cast<double>(*parameters);
  return n < 1e9 ? fmt::format("{:.2f} M", n * 1e-6) : fmt::format("{:.2f} B", n * 1e-9);
}

/// Tokens a second of each run of a test: of the prompt and generated ones together.
std::vector<double> rates_of(const std::vector<Run>& runs, const Run& like) {
  std::vector<double> rates;
  for (const Run& run : runs) {
    if (run.model != like.model || run.prompt != like.prompt) continue;
    const int tokens = run.prompt_tokens.value_or(0) + run.output_tokens.value_or(0);
    rates.push_back(tokens / (static_cast<double>(*run.engine_end_ns - *run.engine_start_ns) * 1e-9));
  }
  return rates;
}

}  // namespace

ReportTable bench_table(const ImportedSession& imported) {
  ReportTable table{{{"model", Align::left}, {"size"}, {"params"}, {"threads"}, {"test"}, {"t/s"}}, {}};
  for (size_t i = 0; i < imported.runs.size(); ++i) {
    const Run& run = imported.runs[i];
    const auto same = [&](const Run& other) { return other.model == run.model && other.prompt == run.prompt; };
    if (std::any_of(imported.runs.begin(), imported.runs.begin() + static_cast<std::ptrdiff_t>(i), same)) continue;
    const std::vector<double> rates = rates_of(imported.runs, run);
    const auto model = std::find_if(imported.session.models.begin(), imported.session.models.end(),
                                    [&](const SessionModel& m) { return m.model == run.model; });
    table.rows.push_back({model->architecture, size_text(model->weight_bytes), parameters_text(model->parameters),
                          fmt::format("{}", model->threads), run.prompt,
                          fmt::format("{:.2f} ± {:.2f}", stats::mean(rates).value_or(0), stats::sd(rates).value_or(0))});
  }
  return table;
}

}  // namespace ifm
