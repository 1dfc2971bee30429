#pragma once

#include <filesystem>

namespace ifm {

/// The file that this process was started from. @throws Error io when the system does not say.
[[nodiscard]] std::filesystem::path this_program();

}  // namespace ifm
