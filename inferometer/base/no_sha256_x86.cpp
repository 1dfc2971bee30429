#include "inferometer/base/check.h"
#include "inferometer/base/sha256_x86.h"

namespace ifm::sha256_x86 {

bool available() { return false; }

void compress(uint32_t* /*state*/, const uint8_t* /*data*/, std::size_t /*blocks*/) { IFM_CHECK(false); }

}  // namespace ifm::sha256_x86
