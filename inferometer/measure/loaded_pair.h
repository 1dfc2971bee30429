#pragma once

#include <memory>

#include "inferometer/measure/runner.h"

namespace ifm {

/// An engine with a model that it has loaded.
struct LoadedPair {
  std::unique_ptr<Engine> engine;
  std::unique_ptr<Model> model;
  int64_t load_begin_ns = 0;  ///< on the world's clock
  int64_t load_end_ns = 0;
};

/// Loads a model from nothing: engine (in cold mode a process) and weights. @throws Error as they do.
[[nodiscard]] LoadedPair load_pair(const PlanEngine& engine, Mode mode, const std::filesystem::path& path,
                                   const std::string& name, const SessionWorld& world);

/// What a session records of a loaded model.
[[nodiscard]] SessionModel describe(const PlanEngine& engine, const std::string& model, const LoadedPair& pair);

/// "sha256:…" of a model's weight files: of the one file, or of the list of their hashes. Reads every byte. Empty without files.
[[nodiscard]] std::string hash_of_weights(const std::filesystem::path& path);

}  // namespace ifm
