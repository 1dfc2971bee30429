#include <algorithm>
#include <cmath>
#include <string>

#include <fmt/format.h>

#include "inferometer/render/escape.h"
#include "inferometer/render/number.h"
#include "inferometer/report/comparison.h"

namespace ifm {
namespace {

using stats::Verdict;

std::string effect_text(const ComparedCell& cell) {
  std::string text = fmt::format("B over A {:+.2f} %", 100 * std::expm1(cell.effect.effect));
  if (cell.effect.ci95) {
    text += fmt::format(" (95 %: {:+.2f} to {:+.2f} %)", 100 * std::expm1(cell.effect.ci95->low),
                        100 * std::expm1(cell.effect.ci95->high));
  }
  return fmt::format("{}, {} pairs", text, cell.effect.pairs);
}

std::string test_case(const ComparedCell& cell, bool allow_inconclusive) {
  const std::string name = fmt::format("{} {} tokens T {}", cell.prompt, cell.max_tokens, shortest(cell.temperature));
  const std::string said = escape_html(fmt::format("{}: {}", stats::to_string(cell.effect.verdict), effect_text(cell)));
  std::string body;
  if (cell.effect.verdict == Verdict::regression) body = fmt::format("<failure message=\"{}\"/>", said);
  if (cell.effect.verdict == Verdict::inconclusive) {
    body = allow_inconclusive ? fmt::format("<skipped message=\"{}\"/>", said) : fmt::format("<error message=\"{}\"/>", said);
  }
  return fmt::format("  <testcase classname=\"compare.{}\" name=\"{}\">{}<system-out>{}</system-out></testcase>\n", cell.metric,
                     escape_html(name), body, said);
}

}  // namespace

std::string comparison_junit(const ComparisonReport& report, bool allow_inconclusive) {
  const auto count = [&](Verdict verdict) {
    return std::ranges::count_if(report.cells, [verdict](const ComparedCell& c) { return c.effect.verdict == verdict; });
  };
  const auto inconclusive = count(Verdict::inconclusive);
  std::string cases;
  for (const ComparedCell& cell : report.cells) cases += test_case(cell, allow_inconclusive);
  for (const std::string& why : report.incomparable) {
    cases +=
        fmt::format("  <testcase classname=\"compare\" name=\"comparable\"><error message=\"incomparable: {}\"/></testcase>\n",
                    escape_html(why));
  }
  return fmt::format(
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuite name=\"inferometer compare {}\" tests=\"{}\" failures=\"{}\" "
      "errors=\"{}\" skipped=\"{}\">\n{}</testsuite>\n",
      escape_html(report.plan), report.cells.size() + report.incomparable.size(), count(Verdict::regression),
      (allow_inconclusive ? 0 : inconclusive) + static_cast<std::ptrdiff_t>(report.incomparable.size()),
      allow_inconclusive ? inconclusive : 0, cases);
}

}  // namespace ifm
