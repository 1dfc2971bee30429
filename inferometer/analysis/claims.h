#pragma once

#include <optional>
#include <string>
#include <vector>

#include "inferometer/analysis/reproduction.h"

namespace ifm {

/// Everything that a session said and that its repetition can be asked, with the answers: tokens, failures, then what was
/// measured, whose intervals hold together at 95 %. tolerance: check_reproduction()'s.
[[nodiscard]] std::vector<Claim> claims_of(const RecordedSession& then, const RecordedSession& now, bool same_machine,
                                           std::optional<double> tolerance);

/// A model as a session loaded it; null where it never did.
[[nodiscard]] const SessionModel* loaded_as(const std::vector<SessionModel>& models, const std::string& engine,
                                            const std::string& model);

}  // namespace ifm
