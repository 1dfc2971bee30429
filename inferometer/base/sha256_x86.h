#pragma once

#include <cstddef>
#include <cstdint>

/// SHA-256 by x86's SHA extensions; on other processors a stub that says it is not there.
namespace ifm::sha256_x86 {

/// Whether this processor has the instructions.
[[nodiscard]] bool available();
/// Takes `blocks` blocks of 64 bytes into the 8 words of `state`. Only where available().
void compress(uint32_t* state, const uint8_t* data, std::size_t blocks);

}  // namespace ifm::sha256_x86
