#include <cstdio>
#include <memory>

#include <fmt/format.h>

#include "inferometer/cli/app.h"
#include "inferometer/cli/commands.h"
#include "inferometer/cli/doctor.h"
#include "inferometer/cli/output.h"

namespace ifm {

void add_doctor(CLI::App& app, CliContext& context) {
  CLI::App* verb = add_verb(app, "doctor", "What this machine can do, and what would make its measurements unreliable",
                            "  inferometer doctor\n  inferometer doctor --json");
  auto json = std::make_shared<bool>(false);  // shared with the callback, which outlives this function
  verb->add_flag("--json", *json, "Print a JSON object");
  verb->callback([json, &context] {
    context.action = [json]() -> int {
      const Diagnosis diagnosis = diagnose();
      if (*json) {
        print_json(doctor_json(diagnosis));
      } else {
        fmt::print("{}", doctor_table(diagnosis));
      }
      return exit_done;
    };
  });
}

}  // namespace ifm
