#pragma once

#include <CLI/CLI.hpp>

#include "inferometer/cli/context.h"

namespace ifm {

/// Each verb adds itself to the program: its options, its help with an example, and what it does, in cmd_<verb>.cpp.
void add_generate(CLI::App& app, CliContext& context);
void add_chat(CLI::App& app, CliContext& context);
void add_tokenize(CLI::App& app, CliContext& context);
void add_bench(CLI::App& app, CliContext& context);
void add_run(CLI::App& app, CliContext& context);
void add_analyze(CLI::App& app, CliContext& context);
void add_summary(CLI::App& app, CliContext& context);
void add_report(CLI::App& app, CliContext& context);
void add_sessions(CLI::App& app, CliContext& context);
void add_models(CLI::App& app, CliContext& context);
void add_engines(CLI::App& app, CliContext& context);
void add_import(CLI::App& app, CliContext& context);
void add_compare(CLI::App& app, CliContext& context);
void add_reproduce(CLI::App& app, CliContext& context);
void add_verify(CLI::App& app, CliContext& context);
void add_calibrate(CLI::App& app, CliContext& context);
void add_doctor(CLI::App& app, CliContext& context);
void add_completions(CLI::App& app, CliContext& context);
void add_man(CLI::App& app, CliContext& context);
void add_worker(CLI::App& app, CliContext& context);

}  // namespace ifm
