#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace ifm::reference {

/// The scalar definition of each Rounding by its name: what x (n, k) becomes, as f32. Tests hold every set's products against it.
/// - "eights": int8 with an f32 scale per 8 values, max|x| / 127.
/// @throws Error usage for a name without a definition.
[[nodiscard]] std::vector<float> rounded_values(std::string_view rounding, std::span<const float> x, int64_t k);

}  // namespace ifm::reference
