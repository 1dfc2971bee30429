#pragma once

#include <memory>
#include <optional>
#include <string>

#include <CLI/CLI.hpp>

#include "inferometer/base/clock.h"
#include "inferometer/engine/engine.h"

namespace ifm {

/// The options by which every verb that runs a model chooses the engine.
struct ModelFlags {
  std::string engine = "embedded";
  std::string accuracy = "fast";
  std::string isa;
  std::string speculate = "off";
  std::string url;           ///< openai: the server
  std::string server_model;  ///< openai: its name for the model
  std::string key_variable;  ///< openai: environment variable with its key
  std::string ca_file;       ///< openai: certificates to trust
  int threads = 0;
  int context = 0;
  int parallel = 1;  ///< no option: bench derives it from its rows
};

/// Adds --engine, --threads, --ctx, --accuracy, --isa, --url, --server-model, --key-env, --cacert. `flags` must live as long as
/// the app.
void add_model_flags(CLI::App& verb, ModelFlags& flags);
/// The same as the engine's options. @throws Error usage.
[[nodiscard]] EngineOptions engine_options(const ModelFlags& flags);

/// A loaded model with the engine that it needs to live.
struct LoadedModel {
  std::unique_ptr<Engine> engine;
  std::unique_ptr<Model> model;
  double load_s = 0;
};

/// Finds the model that the user named (folder, `.gguf`, registry name) and loads it. @throws Error as resolve_model and load.
[[nodiscard]] LoadedModel load_model(const std::string& name, const ModelFlags& flags, Clock& clock);

}  // namespace ifm
