#pragma once

#include <string>

namespace ifm {

/// The wall clock, ISO 8601 to the second: "2026-01-31T12:00:00Z". For people only; nothing is measured with it.
[[nodiscard]] std::string utc_now();

}  // namespace ifm
