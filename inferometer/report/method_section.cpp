#include "inferometer/report/method_section.h"

#include <fmt/format.h>

namespace ifm {
namespace {

Document measured(const Study& study) {
  Facts words{{{"Latency", "from the moment at which a request's text is handed to the engine until its last token arrives"},
               {"Time to first token", "from the same moment until the first token: reading the prompt is inside"},
               {"Decode speed", "1 over the mean time per output token after the first"},
               {"Throughput", "output tokens over latency; a table's mean is the mean of the runs' rates"},
               {"Prefill speed", "prompt tokens over the time that the engine itself took to evaluate them"}}};
  if (study.overall.joules_per_token.mean)
    words.items.emplace_back("Energy per token", "of the processor's packages while the run went on, at-rest power included");
  return {
      Heading{"How it was measured", ""},
      Paragraph{
          "A token is an id that the engine sampled; nothing is counted by splitting text. Each token event is stamped with the "
          "machine's steady clock as it arrives, before it is parsed or printed. Every cell (a combination of the factors) is "
          "run once in each block, in an order that is shuffled anew; the first runs after a model is loaded or changed warm "
          "it up and enter no table."},
      std::move(words)};
}

Document computed() {
  return {Paragraph{
      "Intervals are 95 % and come from repeats of the same cell, so that different output lengths are never taken for "
      "noise; they are widened where neighbouring runs are alike, and left out, with the reason, where they would not "
      "cover. Effects are tested on runs matched within cells and blocks; \"equivalent\" means within the margin with "
      "its whole 90 % interval. Nothing is dropped: failed runs are counted apart, flagged runs are in all numbers, and "
      "the summary says what changes without them."}};
}

}  // namespace

Document method_section(const Study& study) { return concatenated({measured(study), computed()}); }

Document limits_section(const Study& study) {
  std::vector<std::string> items{
      "The numbers are of this machine, in the state in which it was, with this build: another machine differs.",
      "One session is one start of each engine: what differs between two starts of the same program is in no interval. "
      "`inferometer compare` measures it.",
      fmt::format("What is said of prompts holds for the {} of the plan.",
                  study.session.plan.prompts.size() == 1 ? "one prompt" : "prompts")};
  if (study.runs_are_sample) items.emplace_back("Figures show evenly spaced runs; tables are made from all of them.");
  return {Paragraph{"What they cannot say:"}, Bullets{std::move(items)}};
}

}  // namespace ifm
