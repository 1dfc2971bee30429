#include "inferometer/render/comparison_names.h"

#include <fmt/format.h>

#include "inferometer/render/number.h"

namespace ifm {

std::string comparison_verdict(const ComparisonReport& report) {
  return report.incomparable.empty() ? stats::to_string(report.verdict) : "incomparable";
}

std::string comparison_cell_name(const ComparedCell& cell) {
  return fmt::format("{}, {} tokens, T {}", cell.prompt, cell.max_tokens, shortest(cell.temperature));
}

std::string comparison_side(const ComparedSide& side) {
  std::string text = side.engine.kind;
  if (side.loaded) {
    for (const std::string& part : {side.loaded->engine_version, side.loaded->isa, side.loaded->accuracy}) {
      if (!part.empty()) text += " · " + part;
    }
    if (side.loaded->threads > 0) text += fmt::format(" · {} threads", side.loaded->threads);
  }
  text += " · " + side.model;
  if (!side.engine.program.empty()) text += " · " + side.engine.program;
  return text;
}

std::string comparison_design(const ComparisonReport& report) {
  if (report.design == ComparedDesign::sessions) {
    const auto& [a, b] = report.sides;
    const std::string which =
        a.session == b.session ? fmt::format("session {}", a.session) : fmt::format("sessions {} and {}", a.session, b.session);
    return fmt::format("stored runs of {}; intervals hold what varies inside a process, not between processes; plan {}", which,
                       report.plan);
  }
  return fmt::format("{} of fresh processes, AB/BA balanced, {} of each cell in a process{}; plan {}",
                     counted(report.pairs, "adjacent pair", "adjacent pairs"), counted(report.runs_per_process, "run", "runs"),
                     report.runs_per_process > 1 ? ", in turns" : "", report.plan);
}

std::string comparison_caption(const ComparisonReport& report) {
  return fmt::format("A: {} · B: {} · {}", comparison_side(report.sides[0]), comparison_side(report.sides[1]),
                     comparison_design(report));
}

}  // namespace ifm
