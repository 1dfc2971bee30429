#pragma once

#include <cstddef>

namespace ifm {

/// One byte a page of the mapping into `in_cache`, lowest bit set = resident. False when the OS refuses.
[[nodiscard]] bool ask_residency(void* mapping, std::size_t bytes, unsigned char* in_cache);
/// Asks the OS to forget an open file's clean pages. False when it cannot.
[[nodiscard]] bool forget_pages(int descriptor);

}  // namespace ifm
