#pragma once

namespace ifm {

/// What this build is; text that never changes while the program runs.
struct Version {
  const char* version;   ///< "0.1.0"
  const char* commit;    ///< short hash, "-dirty" added when the working tree had changes; "unknown" outside a checkout
  const char* compiler;  ///< "GNU 12.2.0, Release"
  const char* flags;     ///< that change code: "-O3 -DNDEBUG -std=c++20 …"; kernels add those of their instruction set
};

[[nodiscard]] const Version& build_version();

}  // namespace ifm
