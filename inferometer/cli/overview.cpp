#include <string>
#include <vector>

#include <fmt/format.h>

#include "inferometer/base/version.h"
#include "inferometer/cli/app.h"
#include "inferometer/hub/resolve.h"
#include "inferometer/kernel/kernels.h"
#include "inferometer/machine/cpu.h"
#include "inferometer/machine/system.h"

namespace ifm {

int show_overview() {
  const CpuInfo& cpu = cpu_info();
  fmt::print("Inferometer {}, on {} ({} cores, {})\n", build_version().version,
             cpu.name.empty() ? "an unknown processor" : cpu.name, cpu.physical_cores, available_isas().front());
  if (const std::string note = plain_code_note(); !note.empty()) fmt::print("Note: {}.\n", note);
  const std::string gpu = machine_facts().gpu;
  if (!gpu.empty()) fmt::print("{} is here, but unused: the embedded engine runs on the CPU.\n", gpu);
  const std::vector<ResolvedModel> models = cached_models(HubOptions{});
  if (models.empty()) {
    fmt::print("\nNo models yet in {}.\nTry next:\n  inferometer models pull smollm2-135m\n",
               cache_folder(HubOptions{}).string());
  } else {
    fmt::print("\nModels in {}:\n", cache_folder(HubOptions{}).string());
    for (const ResolvedModel& model : models) fmt::print("  {}\n", model.name);
    fmt::print("\nTry next:\n  inferometer generate -m {} -p \"Why is the sky blue?\"\n", models.front().name);
  }
  fmt::print("\nAll verbs: inferometer --help\n");
  return exit_done;
}

}  // namespace ifm
