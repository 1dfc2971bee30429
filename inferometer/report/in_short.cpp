#include "inferometer/report/in_short.h"

#include <algorithm>
#include <cctype>
#include <vector>

#include <fmt/format.h>

#include "inferometer/render/escape.h"
#include "inferometer/render/html.h"
#include "inferometer/render/metric_info.h"
#include "inferometer/report/sections.h"

namespace ifm {
namespace {

/// "64, 128 and 256".
std::string listed(const std::vector<std::string>& names) {
  std::string text;
  for (size_t i = 0; i < names.size(); ++i) text += (i == 0 ? "" : i + 1 == names.size() ? " and " : ", ") + names[i];
  return text;
}

/// One verdict: a class for its look, a word, and the sentence.
struct Verdict {
  const char* look;
  const char* word;
  std::string text;
};

Verdict fitness_verdict(Fit verdict, const std::string& text) {
  switch (verdict) {
    case Fit::yes:
      return {"yes", "Fit", text};
    case Fit::no:
      return {"no", "Not fit", text};
    case Fit::undecided:
      break;
  }
  return {"open", "Undecided", text};
}

/// "Interactive chat" for "interactive_chat".
std::string use_name(std::string use) {
  std::ranges::replace(use, '_', ' ');
  use[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(use[0])));
  return use;
}

/// Of several series: for each use the series that are fit, those that are not, and the open ones.
std::vector<Verdict> fitness_by_use(const Study& study) {
  std::vector<std::string> uses;
  for (const Fitness& fitness : study.fitness) {
    if (std::ranges::find(uses, fitness.use) == uses.end()) uses.push_back(fitness.use);
  }
  std::vector<Verdict> verdicts;
  for (const std::string& use : uses) {
    for (const Fit verdict : {Fit::yes, Fit::no, Fit::undecided}) {
      std::vector<std::string> series;
      for (const Fitness& fitness : study.fitness) {
        if (fitness.use == use && fitness.verdict == verdict) series.push_back(fitness.series);
      }
      if (!series.empty()) verdicts.push_back(fitness_verdict(verdict, fmt::format("{}: {}", use_name(use), listed(series))));
    }
  }
  return verdicts;
}

std::vector<Verdict> fitness_verdicts(const Study& study) {
  if (study.by_model.size() > 1) return fitness_by_use(study);
  std::vector<Verdict> verdicts;
  const std::vector<std::string> texts = conclusions_on(study, "fitness");
  for (size_t i = 0; i < std::min(texts.size(), study.fitness.size()); ++i)
    verdicts.push_back(fitness_verdict(study.fitness[i].verdict, texts[i]));
  return verdicts;
}

/// What temperature does to latency, over all series.
std::vector<Verdict> temperature_verdicts(const Study& study) {
  const auto effect = std::ranges::find_if(study.temperature, [](const TemperatureEffect& e) {
    return e.series.empty() && e.metric == "latency_s" && e.verdict != Equivalence::not_applicable;
  });
  const std::vector<std::string> texts = conclusions_on(study, "temperature");
  if (effect == study.temperature.end() || texts.empty()) return {};
  switch (effect->verdict) {
    case Equivalence::equivalent:
      return {{"yes", "No effect", texts.front()}};
    case Equivalence::different:
      return {{"no", "Effect", texts.front()}};
    default:
      return {{"open", "Undecided", texts.front()}};
  }
}

std::vector<Verdict> verdicts_of(const Study& study) {
  std::vector<Verdict> verdicts = fitness_verdicts(study);
  for (const std::string& text : conclusions_on(study, study.by_model.size() > 1 ? "series" : "scaling"))
    verdicts.push_back({"", "Found", text});
  for (Verdict& verdict : temperature_verdicts(study)) verdicts.push_back(std::move(verdict));
  return verdicts;
}

/// The main numbers of one series, each with its interval.
std::string cards(const Study& study) {
  std::string out = "<dl class=\"cards\">\n";
  for (const MetricInfo& metric : kMetrics) {
    const MetricSummary& summary = study.overall.*metric.summary;
    const std::string_view key = metric.key;
    const bool main = key == "latency_s" || key == "throughput_tok_per_s" || key == "ttft_s" || key == "decode_tok_per_s" ||
                      key == "joules_per_token";
    if (!main || !summary.mean) continue;
    const Scale scale = scale_of_metric(metric, {study.overall});
    const std::string interval = summary.ci95 ? fmt::format("95 % interval {}", interval_text(summary.ci95, scale))
                                              : fmt::format("no interval: {}", to_string(summary.ci95_reason));
    out += fmt::format("<div><dt>{}, mean</dt><dd>{}<span>{}</span></dd></div>\n", escape_html(metric.name),
                       escape_html(scale.with_unit(summary.mean)), escape_html(interval));
  }
  return out + "</dl>\n";
}

std::string reliability_text(const Study& study) {
  if (study.warnings.empty()) return "<p>Nothing was found that makes these numbers unreliable.</p>\n";
  const size_t n = study.warnings.size();
  return fmt::format("<p><a href=\"#{}\">{} {} these numbers less reliable</a>.</p>\n",
                     heading_id("What makes these numbers unreliable"), n, n == 1 ? "thing makes" : "things make");
}

}  // namespace

std::string question_of(const Study& study) {
  const Plan& plan = study.session.plan;
  std::vector<std::string> engines;
  for (const PlanEngine& engine : plan.engines) engines.push_back(engine.id);
  std::string text = fmt::format("How fast {} {} answer on this machine through {}", plan.models.size() == 1 ? "does" : "do",
                                 listed(plan.models), listed(engines));
  std::vector<std::string> factors;
  if (plan.max_tokens.size() > 1) {
    std::vector<std::string> lengths;
    for (const int tokens : plan.max_tokens) lengths.push_back(fmt::format("{}", tokens));
    factors.push_back(fmt::format("output length ({} tokens)", listed(lengths)));
  }
  if (plan.temperatures.size() > 1) {
    std::vector<std::string> temperatures;
    for (const double t : plan.temperatures) temperatures.push_back(shortest(t));
    factors.push_back(fmt::format("temperature ({})", listed(temperatures)));
  }
  if (plan.prompts.size() > 1) factors.push_back(fmt::format("the prompt ({} of them)", plan.prompts.size()));
  if (plan.modes.size() > 1) factors.emplace_back("a cold start");
  if (factors.empty()) return text + "?";
  return fmt::format("{}, and what {} {} change?", text, factors.size() == 1 ? "does" : "do", listed(factors));
}

std::string in_short_html(const Study& study) {
  std::string out;
  if (study.overall.latency_s.n == 0) {
    out += "<p>No run has timings.</p>\n";
  } else {
    out += study.by_model.size() == 1 ? cards(study) : render_html({series_means_table(study)}, {});
  }
  const std::vector<Verdict> verdicts = verdicts_of(study);
  if (!verdicts.empty()) out += "<ul class=\"verdicts\">\n";
  for (const Verdict& verdict : verdicts)
    out += fmt::format("<li class=\"{}\"><b>{}</b><span>{}</span></li>\n", verdict.look, verdict.word, escape_html(verdict.text));
  if (!verdicts.empty()) out += "</ul>\n";
  return html_section({"In short", ""}, out + reliability_text(study));
}

}  // namespace ifm
