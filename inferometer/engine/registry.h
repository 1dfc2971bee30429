#pragma once

#include <memory>
#include <string>
#include <vector>

#include "inferometer/base/clock.h"
#include "inferometer/engine/engine.h"

namespace ifm {

/// An engine as `inferometer engines` lists it.
struct EngineStatus {
  std::string kind;
  bool available = false;
  std::string version;
  std::string device;
  std::string what_to_install;  ///< one sentence when it is absent, else empty
};

/// Every engine that this program knows, present or absent.
[[nodiscard]] std::vector<EngineStatus> known_engines();

/// @throws Error usage for an unknown kind, unsupported with the sentence of what to install for an absent one.
[[nodiscard]] std::unique_ptr<Engine> make_engine(const EngineOptions& options, Clock& clock);

}  // namespace ifm
