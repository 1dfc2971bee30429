#include "inferometer/report/run_explorer.h"

#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "inferometer/render/escape.h"
#include "inferometer/render/html.h"
#include "inferometer/render/metric_info.h"

namespace ifm {
namespace {

using nlohmann::json;

constexpr size_t kRowsWithoutScript = 200;

/// `count` of the runs at most, evenly spaced.
std::vector<size_t> evenly(size_t runs, size_t count) {
  std::vector<size_t> chosen;
  for (size_t i = 0; i < std::min(runs, count); ++i) chosen.push_back(i * runs / std::min(runs, count));
  return chosen;
}

bool is_noted(const Run& run) { return run.status == RunStatus::failed || !run.flags.empty(); }

/// What a run's tokens and answer take in the page, about.
size_t detail_size(const Run& run) { return run.text.size() + 6 * run.stamps.offset_ns.size(); }

/// Which runs show their tokens: all that fit, noted ones first, then others evenly spaced.
std::vector<bool> with_detail(const std::vector<Run>& runs, size_t bytes) {
  std::vector<bool> shown(runs.size(), false);
  size_t used = 0;
  const auto take = [&](size_t i) {
    if (shown[i] || used + detail_size(runs[i]) > bytes) return;
    shown[i] = true;
    used += detail_size(runs[i]);
  };
  for (size_t i = 0; i < runs.size(); ++i) {
    if (is_noted(runs[i])) take(i);
  }
  // Halves, then quarters, …: evenly spaced wherever it ends.
  for (size_t step = std::max<size_t>(1, runs.size());; step /= 2) {
    for (size_t i = 0; i < runs.size(); i += step) take(i);
    if (step == 1) return shown;
  }
}

json number(const std::optional<double>& value) { return value ? json(*value) : json(nullptr); }

std::vector<std::string> prompts_of(const std::vector<Run>& runs) {
  std::vector<std::string> prompts;
  for (const Run& run : runs) {
    if (std::find(prompts.begin(), prompts.end(), run.prompt) == prompts.end()) prompts.push_back(run.prompt);
  }
  return prompts;
}

/// Microseconds from each token event to the next; the first counts from the run's start.
json gaps_us(const Run& run) {
  json gaps = json::array();
  int64_t before_us = 0;
  for (const int64_t offset_ns : run.stamps.offset_ns) {
    const int64_t at_us = (offset_ns + 500) / 1000;
    gaps.push_back(at_us - before_us);
    before_us = at_us;
  }
  return gaps;
}

json run_json(const Study& study, const std::vector<std::string>& prompts, const Run& run, bool detail) {
  const auto prompt = std::find(prompts.begin(), prompts.end(), run.prompt) - prompts.begin();
  json out{{"id", run.id},
           {"order", run.order},
           {"block", run.block},
           {"repeat", run.repeat},
           {"series", series_of(study, run).value_or(0)},
           {"prompt", prompt},
           {"max_tokens", run.max_tokens},
           {"temperature", run.temperature},
           {"e2e_s", number(run.metrics.e2e_s)},
           {"ttft_s", number(run.metrics.ttft_s)},
           {"decode_tok_per_s", number(run.metrics.decode_tok_per_s)},
           {"output_tokens", run.output_tokens ? json(*run.output_tokens) : json(nullptr)},
           {"finish_reason", escape_terminal(run.finish_reason)},
           {"flags", json::array()}};
  for (const std::string& flag : run.flags) out["flags"].push_back(escape_terminal(flag));
  if (run.status == RunStatus::failed) {
    out["error"] = escape_terminal(run.error_kind);
    out["error_message"] = escape_terminal(run.error_message);
  }
  if (!detail) return out;
  out["gaps_us"] = gaps_us(run);
  if (std::any_of(run.stamps.tokens.begin(), run.stamps.tokens.end(), [](int n) { return n != 1; }))
    out["held"] = run.stamps.tokens;
  out["text"] = escape_lines(run.text);
  return out;
}

/// JSON that may stand in a <script>: nothing in it can end the element or begin a comment.
std::string script_data(const json& data) {
  std::string text;
  for (const char c : data.dump()) c == '<' ? text += "\\u003c" : text += c;
  return text;
}

ReportTable runs_table(const Study& study, const std::vector<Run>& runs, const std::vector<size_t>& rows) {
  ReportTable table{{{"run"},
                     {"series", Align::left},
                     {"prompt", Align::left},
                     {"tokens"},
                     {"temperature"},
                     {"latency"},
                     {"first token"},
                     {"decode tok/s"},
                     {"notes", Align::left}},
                    {}};
  for (const size_t i : rows) {
    const Run& run = runs[i];
    const std::optional<size_t> series = series_of(study, run);
    std::vector<std::string> notes;
    if (run.status == RunStatus::failed) notes.push_back("failed: " + run.error_kind);
    notes.insert(notes.end(), run.flags.begin(), run.flags.end());
    table.rows.push_back({fmt::format("{}", run.id), series ? study.by_model[*series].label : "", run.prompt,
                          fmt::format("{}", run.max_tokens), shortest(run.temperature), duration_text(run.metrics.e2e_s),
                          duration_text(run.metrics.ttft_s), significant(run.metrics.decode_tok_per_s),
                          fmt::format("{}", fmt::join(notes, ", "))});
  }
  return table;
}

std::string answers(const std::vector<Run>& runs, const std::vector<size_t>& rows) {
  std::string out;
  for (const size_t i : rows) {
    if (runs[i].text.empty()) continue;
    out += fmt::format("<details><summary>Answer of run {}</summary>\n<pre class=\"answer\">{}</pre></details>\n", runs[i].id,
                       escape_html_lines(runs[i].text));
  }
  return out;
}

}  // namespace

std::string runs_section(const Study& study, const std::vector<Run>& runs, size_t detail_bytes) {
  const std::vector<size_t> rows = evenly(runs.size(), kRowsWithoutScript);
  const std::vector<bool> detail = with_detail(runs, detail_bytes);
  const int64_t all = study.runs_ok + study.runs_failed;
  std::string note;
  if (static_cast<int64_t>(runs.size()) < all)
    note = fmt::format("{} of the session's {} runs: evenly spaced ones, and failed and flagged ones.", runs.size(), all);
  json data{{"series", json::array()}, {"prompts", json::array()}, {"runs", json::array()}};
  for (const Group& series : study.by_model) data["series"].push_back(escape_terminal(series.label));
  const std::vector<std::string> prompts = prompts_of(runs);
  for (const std::string& prompt : prompts) data["prompts"].push_back(escape_terminal(prompt));
  for (size_t i = 0; i < runs.size(); ++i) data["runs"].push_back(run_json(study, prompts, runs[i], detail[i]));
  data["no_detail"] = "This run's tokens are not in the page, so that it stays small; they are in inferometer.db.";
  std::string body = "<div class=\"runs-without-script\">\n";
  if (rows.size() < runs.size())
    body += fmt::format("<p class=\"note\">{} of {} runs, evenly spaced.</p>\n", rows.size(), runs.size());
  body += render_html({runs_table(study, runs, rows)}, {}) + answers(runs, rows) + "</div>\n";
  return html_section({"Runs", note}, body) +
         fmt::format("<script type=\"application/json\" id=\"runs-data\">{}</script>\n", script_data(data));
}

}  // namespace ifm
