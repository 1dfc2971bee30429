#pragma once

#include <string>

#include "inferometer/analysis/reproduction.h"
#include "inferometer/render/document.h"

namespace ifm {

/// What `reproduce` prints: the verdict, what was otherwise, and every claim with what it was and is.
[[nodiscard]] Document reproduction_document(const Reproduction& found, const Session& then, const Session& now);
/// schemas/reproduce.schema.json; unknown = null; changes as shares (0.05 for 5 % slower); ends with a line feed.
[[nodiscard]] std::string reproduction_json(const Reproduction& found, const Session& then, const Session& now);
/// "reproduced", "not reproduced", "undecided" or "incomparable".
[[nodiscard]] std::string reproduction_verdict(const Reproduction& found);

}  // namespace ifm
