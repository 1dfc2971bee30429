#include <iostream>

#include "inferometer/base/clock.h"
#include "inferometer/cli/commands.h"
#include "inferometer/engine/registry.h"
#include "inferometer/engine/worker.h"

namespace ifm {

/// Hidden: the child that engine/process starts.
void add_worker(CLI::App& app, CliContext& context) {
  CLI::App* verb = app.add_subcommand("worker", "Serve one parent over standard input and output (used by Inferometer itself)");
  verb->group("");
  verb->footer("Example: inferometer run plans/cold-start.yaml starts one of these per run.");
  verb->callback([&context] {
    context.action = [] {
      SteadyClock clock;
      serve_worker(std::cin, std::cout, [&](const EngineOptions& options) { return make_engine(options, clock); });
      return 0;
    };
  });
}

}  // namespace ifm
