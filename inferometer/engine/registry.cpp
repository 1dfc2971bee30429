#include "inferometer/engine/registry.h"

#include <fmt/format.h>

#include "inferometer/base/error.h"
#include "inferometer/base/version.h"
#include "inferometer/engine/embedded.h"
#include "inferometer/engine/process.h"
#include "inferometer/engine/simulated.h"
#include "inferometer/kernel/kernels.h"
#include "inferometer/machine/cpu.h"

namespace ifm {

std::vector<EngineStatus> known_engines() {
  const std::string version = build_version().version;
  const std::string cpu = fmt::format("{} ({})", cpu_info().name, kernels_for("").isa);
  return {
      {.kind = "embedded", .available = true, .version = version, .device = cpu, .what_to_install = {}},
      {.kind = "process", .available = true, .version = version, .device = cpu, .what_to_install = {}},
      {.kind = "simulated", .available = true, .version = version, .device = "none: a timing model", .what_to_install = {}},
  };
}

std::unique_ptr<Engine> make_engine(const EngineOptions& options, Clock& clock) {
  if (options.kind == "embedded") return make_embedded_engine(options, clock);
  if (options.kind == "process") return make_process_engine(options, clock);
  if (options.kind == "simulated") {
    if (options.speculation != Speculation::off) fail(ErrorKind::usage, "speculation: the simulated engine has none");
    return make_simulated_engine(options, clock);
  }
  fail(ErrorKind::usage, "engine: {} is unknown (expected embedded, process or simulated)", options.kind);
}

}  // namespace ifm
