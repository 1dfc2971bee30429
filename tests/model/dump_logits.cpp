// For the live comparison with peers (tools/peers/live_parity.py); not installed.
// dump_logits MODEL fast|exact: reads windows of ids from standard input, one a line; writes (ids, vocab) f32 logits of each,
// raw.
#include <cstdio>
#include <exception>
#include <iostream>
#include <sstream>
#include <string>
#include <vector>

#include "inferometer/base/clock.h"
#include "inferometer/base/error.h"
#include "inferometer/engine/registry.h"

namespace {

void dump(ifm::Evaluator& evaluator, const std::string& line) {
  std::istringstream words(line);
  std::vector<ifm::TokenId> ids;
  for (ifm::TokenId id = 0; words >> id;) ids.push_back(id);
  evaluator.reset();
  evaluator.score(ids, [](int, std::span<const float> logits) {
    if (std::fwrite(logits.data(), sizeof(float), logits.size(), stdout) != logits.size()) {
      ifm::fail(ifm::ErrorKind::io, "standard output: write failed");
    }
  });
}

int run(const std::vector<std::string>& arguments) {
  if (arguments.size() != 3) ifm::fail(ifm::ErrorKind::usage, "usage: dump_logits MODEL fast|exact < ids");
  ifm::EngineOptions options;
  options.accuracy = arguments[2] == "exact" ? ifm::Accuracy::exact : ifm::Accuracy::fast;
  ifm::SteadyClock clock;
  const auto engine = ifm::make_engine(options, clock);
  const auto model = engine->load(arguments[1], arguments[1]);
  for (std::string line; std::getline(std::cin, line);) {
    dump(*model->evaluator(), line);
    std::fflush(stdout);
    model->park();
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run({argv, argv + argc});
  } catch (const std::exception& error) {
    std::fprintf(stderr, "dump_logits: %s\n", error.what());
    return 1;
  }
}
