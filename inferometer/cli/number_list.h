#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace ifm {

/// Numbers as llama-bench's users write them: "512", "128,256", "128-512+128" (128, 256, 384, 512), "1-8*2" (1, 2, 4, 8);
/// "1-3" is 1, 2, 3. Kept in order, repeats included.
/// @throws Error usage naming `option` for anything else, a value outside [smallest, largest], or more than 1,000 values.
[[nodiscard]] std::vector<int> parse_number_list(std::string_view text, std::string_view option, int smallest, int largest);

}  // namespace ifm
