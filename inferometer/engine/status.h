#pragma once

#include <string>

namespace ifm {

/// An engine as `inferometer engines` lists it.
struct EngineStatus {
  std::string kind;  ///< set by the table of engines
  bool available = false;
  std::string version;
  std::string device;
  std::string what_to_install;  ///< one sentence when it is absent, else empty
};

}  // namespace ifm
