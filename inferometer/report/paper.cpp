#include "inferometer/report/paper.h"

#include <iterator>
#include <utility>
#include <variant>

#include <fmt/format.h>

#include "inferometer/render/metric_info.h"
#include "inferometer/render/number.h"
#include "inferometer/report/in_short.h"
#include "inferometer/report/method_section.h"
#include "inferometer/report/reproducibility_md.h"
#include "inferometer/report/sections.h"
#include "inferometer/report/study_document.h"

namespace ifm {
namespace {

/// "Latency was 1.67 s on average (95 % interval [1.62, 1.71])"; "" where there is no mean.
std::string mean_text(const Study& study, const char* key, const char* words) {
  const MetricInfo& metric = *find_metric(key);
  const MetricSummary& summary = study.overall.*metric.summary;
  if (!summary.mean) return {};
  const Scale scale = scale_of_metric(metric, {study.overall});
  const std::string interval =
      summary.ci95 ? fmt::format(" (95 % interval {})", interval_text(summary.ci95, scale)) : std::string();
  return fmt::format("{} was {} on average{}. ", words, scale.with_unit(summary.mean), interval);
}

Document abstract_section(const Study& study) {
  const int runs = study.runs_ok + study.runs_failed;
  std::string text = fmt::format("{} measured, of which {} succeeded. ", counted(runs, "request was", "requests were"),
                                 study.runs_ok == runs ? "all" : fmt::format("{}", study.runs_ok));
  text += mean_text(study, "latency_s", "Latency over the whole design");
  text += mean_text(study, "ttft_s", "The time to the first token");
  text += mean_text(study, "decode_tok_per_s", "The speed of decoding");
  Document document{Heading{"Abstract", ""}, Paragraph{std::move(text)}};
  std::vector<std::string> findings = conclusions_on(study, "scaling");
  for (const char* topic : {"temperature", "variability"}) {
    const std::vector<std::string> more = conclusions_on(study, topic);
    if (!more.empty()) findings.push_back(more.front());
  }
  if (!findings.empty()) document.emplace_back(Bullets{std::move(findings)});
  return document;
}

Document introduction_section(const Study& study) {
  const Plan& plan = study.session.plan;
  Document document{
      Heading{"Introduction", ""},
      Paragraph{"A language model that runs on a machine of one's own answers at the speed of that machine. What a user waits "
                "for has two parts, the time until the first token appears and the time that each further token takes, and what "
                "a single "
                "measurement of them says is not known before it was repeated."},
      Paragraph{fmt::format("This paper asks: {} It varies what a user varies: {}, {} and {}, each combination of them {}.",
                            question_of(study), counted(std::ssize(plan.prompts), "prompt", "prompts"),
                            counted(std::ssize(plan.max_tokens), "length of the answer", "lengths of the answer"),
                            counted(std::ssize(plan.temperatures), "sampling temperature", "sampling temperatures"),
                            counted(runs_of_cell(plan), "time", "times"))}};
  if (!plan.description.empty()) document.emplace_back(Paragraph{plan.description});
  return document;
}

/// A document's headings one level lower, below one of its own.
Document under_heading(const std::string& heading, Document document) {
  for (Block& block : document) {
    if (auto* sub = std::get_if<Heading>(&block)) sub->level = 3;
  }
  return concatenated({{Heading{heading, ""}}, std::move(document)});
}

Document threats_section(const Study& study) {
  Document warnings = reliability_section(study);
  warnings.erase(warnings.begin());  // its heading
  return concatenated({{Heading{"Threats to validity", ""}, Paragraph{"What was found on this machine during this session:"}},
                       std::move(warnings),
                       limits_section(study)});
}

/// The results without what is said elsewhere in the paper.
Document results(const Study& study, const std::vector<Figure>& figures) {
  Document all = study_document(study, figures);
  const Document reliability = reliability_section(study);
  all.resize(all.size() - reliability.size());
  return all;
}

}  // namespace

std::string paper_title(const Study& study) { return question_of(study); }

std::string paper_markdown(const Study& study, const std::vector<Figure>& figures) {
  return render_markdown(
      concatenated(
          {abstract_section(study),
           introduction_section(study),
           under_heading("Method", method_section(study)),
           setup_section(study),
           under_heading("Results", results(study, figures)),
           threats_section(study),
           under_heading("Reproduction", repeat_document(study)),
           {Heading{"Data", ""},
            Paragraph{fmt::format(
                "Everything above was computed by Inferometer {} from session {} of the file inferometer.db, which holds "
                "every run with each token's time. The tables are in analysis/, unrounded.",
                study.session.environment.inferometer_version, study.session.id)}}}),
      MarkdownReader::pandoc);
}

}  // namespace ifm
