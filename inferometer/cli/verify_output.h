#pragma once

#include <string>
#include <vector>

#include "inferometer/cli/output.h"
#include "inferometer/engine/engine.h"
#include "inferometer/measure/verify.h"

namespace ifm {

/// One of the two sides of `verify`.
struct VerifySide {
  std::string engine;  ///< as a plan would name it
  std::string version;
  ModelInfo info;
};

/// Everything that `verify` prints.
struct VerifyReport {
  VerifySide side, reference;
  Verified found;
  AgreementSummary agreement;
  std::vector<std::string> divergent_tokens;  ///< for each divergence: "«the» instead of «a»"
};

[[nodiscard]] Json verify_json(const VerifyReport& report);
/// The same for people.
[[nodiscard]] std::string verify_text_of(const VerifyReport& report);

}  // namespace ifm
