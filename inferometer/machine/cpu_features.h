#pragma once

#include <string>

namespace ifm {

/// Instruction sets that kernels care for and that this processor and OS allow, space-separated; empty when unknown.
[[nodiscard]] std::string cpu_features();

}  // namespace ifm
