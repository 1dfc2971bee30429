#pragma once

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>

#include "inferometer/base/clock.h"
#include "inferometer/base/error.h"
#include "inferometer/engine/registry.h"
#include "inferometer/hub/resolve.h"

namespace ifm::test {

/// The MLX folder and the GGUF of the default model.
inline constexpr const char* kFolderModel = "smollm2-135m";
inline constexpr const char* kGgufModel = "smollm2-135m-gguf";

inline std::filesystem::path golden_folder() { return std::filesystem::path(IFM_SOURCE_DIR) / "tests" / "golden" / "parity"; }

/// Where a real model is: in the folder IFM_TEST_MODELS when that is set, else in the cache folder. A test that needs one fails
/// without it.
inline std::filesystem::path model_path(const std::string& name) {
  HubOptions options;
  options.offline = true;
  if (const char* folder = std::getenv("IFM_TEST_MODELS"); folder != nullptr && *folder != '\0') options.home = folder;
  try {
    return resolve_model(name, options).path;
  } catch (const Error& error) {
    fail(ErrorKind::not_found, "{} (this test needs a real model: run ./test.sh, which gets it)", error.message());
  }
}

/// A loaded model together with the engine and clock that it needs.
struct LoadedModel {
  SteadyClock clock;
  std::unique_ptr<Engine> engine;
  std::unique_ptr<Model> model;

  LoadedModel(const std::filesystem::path& path, const EngineOptions& options) {
    engine = make_engine(options, clock);
    model = engine->load(path, path.filename().string());
  }
  LoadedModel(const LoadedModel&) = delete;
  LoadedModel& operator=(const LoadedModel&) = delete;

  [[nodiscard]] Evaluator& evaluator() const { return *model->evaluator(); }
};

/// The embedded engine's options with this arithmetic.
inline EngineOptions options_with(Accuracy accuracy, int threads = 0) {
  EngineOptions options;
  options.accuracy = accuracy;
  options.threads = threads;
  return options;
}

}  // namespace ifm::test
