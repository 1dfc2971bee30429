#include "inferometer/report/reproducibility_md.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>

#include <fmt/format.h>

#include "inferometer/analysis/reproduction.h"
#include "inferometer/base/sha256.h"
#include "inferometer/render/document.h"
#include "inferometer/render/metric_info.h"
#include "inferometer/render/number.h"
#include "inferometer/report/sections.h"

namespace ifm {
namespace {

Document machine_section(const Study& study) {
  const Environment& e = study.session.environment;
  Document document{Heading{"Machine, build and models", ""}, setup_facts(study)};
  ReportTable models{{{"model", Align::left}, {"engine", Align::left}, {"sha256", Align::left}, {"from", Align::left}}, {}};
  for (const SessionModel& m : study.session.models) models.rows.push_back({m.model, m.engine, m.hash, m.path});
  if (!models.rows.empty()) document.emplace_back(std::move(models));
  if (!e.unavailable.empty()) {
    document.emplace_back(Paragraph{"What this machine did not tell, and why:"});
    document.emplace_back(Bullets{e.unavailable});
  }
  return document;
}

Document plan_section(const Study& study) {
  const Plan& plan = study.session.plan;
  Document document{Heading{"Plan", ""}};
  document.emplace_back(
      Paragraph{fmt::format("{}, sha256 {} (of the file and of the prompt files that it names).", plan.name, plan.hash)});
  document.emplace_back(Verbatim{plan.source, "yaml"});
  return document;
}

Document command_section(const Study& study) {
  const Session& session = study.session;
  const Environment& e = session.environment;
  std::string commands = "# All of it: runs the plan again and says which findings hold\n";
  commands += fmt::format("inferometer reproduce RESULTS --session {}\n\n# By hand, with the same build\n", session.id);
  // A dirty or unknown commit cannot be checked out.
  const bool known =
      !e.inferometer_commit.empty() && e.inferometer_commit.find_first_not_of("0123456789abcdef") == std::string::npos;
  if (known) commands += fmt::format("git checkout {}\n", e.inferometer_commit);
  commands += "cmake --preset release && cmake --build --preset release\n";
  commands += session.command + '\n';
  commands += fmt::format("inferometer analyze --session {}\n", session.id);
  return {Heading{"Commands", ""},
          Paragraph{fmt::format("Session {} was started at {} by the run command; order seed {}, plan seed {}.", session.id,
                                session.started_utc, session.order_seed, session.plan.seed)},
          Verbatim{commands, "sh"}};
}

/// The mean of a metric and the band in which a repetition's mean should lie: 2 %, and what the difference of two means with
/// these intervals can be by chance. Without an interval there is no band.
std::vector<std::string> expectation(const std::string& what, const MetricInfo& metric, const Group& group) {
  const MetricSummary& s = group.*metric.summary;
  if (!s.mean) return {};
  const Scale scale = scale_of_metric(metric, {group});
  if (!s.ci95) return {what, metric.name, scale.with_unit(s.mean), "–", "no interval here"};
  const double tolerance = kSessionTolerance * std::abs(*s.mean) + std::sqrt(2.0) * (s.ci95->high - s.ci95->low) / 2;
  return {what, metric.name, scale.with_unit(s.mean), "± " + scale.number(tolerance),
          interval_text(Interval{*s.mean - tolerance, *s.mean + tolerance}, scale)};
}

Document expectation_section(const Study& study) {
  ReportTable table{{{"runs", Align::left}, {"metric", Align::left}, {"mean"}, {"tolerance"}, {"expected within"}}, {}};
  const auto add = [&table](const std::string& what, size_t metric, const Group& group) {
    std::vector<std::string> row = expectation(what, kMetrics[metric], group);
    if (!row.empty()) table.rows.push_back(std::move(row));
  };
  for (const Group& series : study.by_model) {
    for (const size_t metric : {size_t{2}, size_t{3}, size_t{4}}) add(series.label, metric, series);
  }
  for (const Group& part : study.by_series_max_tokens) {
    const std::optional<size_t> series = series_of(study, part);
    const std::string name = series ? study.by_model[*series].label : part.label;
    for (const size_t metric : {size_t{0}, size_t{1}})
      add(fmt::format("{}, {} tokens", name, level_of(part, "max_tokens")), metric, part);
  }
  if (table.rows.empty()) return {};
  return {Heading{"Expected values", ""},
          Paragraph{fmt::format(
              "On the same machine in the same state, the means of a repetition should lie within these bounds: {} %, "
              "and what two means with these 95 % intervals differ by through chance. Another machine has other times; "
              "there, the shares of its limits, the token counts and the shape over lengths carry over. `inferometer "
              "reproduce` asks all of it.",
              shortest(100 * kSessionTolerance))},
          table};
}

/// One hash over the output ids of a series' runs, in the order of cell and repeat, so that the order of execution is no matter.
std::string ids_hash(const Study& study, size_t series, int& runs) {
  std::map<std::pair<int, int>, std::string> hashes;
  for (const Run& run : study.runs) {
    if (run.status == RunStatus::ok && !run.ids_hash.empty() && series_of(study, run) == series) {
      hashes[{run.cell, run.repeat}] = run.ids_hash;
    }
  }
  std::string all;
  for (const auto& [place, hash] : hashes) all += hash + '\n';
  runs = static_cast<int>(hashes.size());
  return hashes.empty() ? "" : sha256_of(all);
}

Document identity_section(const Study& study) {
  if (study.runs_are_sample) return {};  // a hash over some runs is none over all
  ReportTable table{{{"series", Align::left}, {"runs"}, {"sha256 of their ids' hashes", Align::left}}, {}};
  for (size_t i = 0; i < study.by_model.size(); ++i) {
    int runs = 0;
    const std::string hash = ids_hash(study, i, runs);
    if (!hash.empty()) table.rows.push_back({study.by_model[i].label, fmt::format("{}", runs), hash});
  }
  if (table.rows.empty()) return {};
  return {
      Heading{"Expected tokens", ""},
      Paragraph{"The same plan, weights, build and instruction set give the same token ids, whatever the order and the number "
                "of threads (embedded engine). The hash covers each run's ids_hash of analysis/runs.csv, sorted by cell and "
                "repeat, one per line."},
      table};
}

}  // namespace

Document repeat_document(const Study& study) {
  return concatenated({plan_section(study), command_section(study), expectation_section(study), identity_section(study)});
}

std::string reproducibility_markdown(const Study& study) {
  return render_markdown(
      concatenated({{Title{"How to repeat " + study.session.plan.name, ""}}, machine_section(study), repeat_document(study)}));
}

}  // namespace ifm
