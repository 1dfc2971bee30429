#include <cstdio>
#include <memory>
#include <string>

#include <fmt/format.h>

#include "inferometer/cli/app.h"
#include "inferometer/cli/commands.h"
#include "inferometer/cli/output.h"
#include "inferometer/engine/registry.h"

namespace ifm {
namespace {

int list_engines(bool json) {
  if (json) {
    Json list = Json::array();
    for (const EngineStatus& engine : known_engines()) {
      list.push_back({{"engine", engine.kind},
                      {"available", engine.available},
                      {"version", json_or_null(engine.version)},
                      {"device", json_or_null(engine.device)},
                      {"what_to_install", json_or_null(engine.what_to_install)}});
    }
    print_json(list);
    return exit_done;
  }
  TextTable table({"engine", "here", "version", "device", "what to install"});
  for (const EngineStatus& engine : known_engines()) {
    table.add({engine.kind, engine.available ? "yes" : "no", engine.version, engine.device, engine.what_to_install});
  }
  fmt::print("{}", table.plain());
  return exit_done;
}

}  // namespace

void add_engines(CLI::App& app, CliContext& context) {
  CLI::App* verb = add_verb(app, "engines", "Which engines this build has, their versions, and what is missing",
                            "  inferometer engines\n  inferometer engines --json");
  auto json = std::make_shared<bool>(false);  // shared with the callback, which outlives this function
  verb->add_flag("--json", *json, "Print a JSON list");
  verb->callback([json, &context] { context.action = [json] { return list_engines(*json); }; });
}

}  // namespace ifm
