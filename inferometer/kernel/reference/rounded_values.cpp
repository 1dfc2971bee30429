#include "inferometer/kernel/reference/rounded_values.h"

#include <algorithm>
#include <cmath>

#include "inferometer/base/error.h"

namespace ifm::reference {
namespace {

float largest(std::span<const float> x) {
  float top = 0;
  for (const float v : x) top = std::max(top, std::fabs(v));
  return top;
}

void round_eights(std::span<const float> x, float* out) {
  for (std::size_t begin = 0; begin < x.size(); begin += 8) {
    const float top = largest(x.subspan(begin, 8));
    const float inverse = top > 0 ? 127.0F / top : 0.0F;
    for (std::size_t i = begin; i < begin + 8; ++i) {
      out[i] = static_cast<float>(std::lrint(std::clamp(x[i] * inverse, -127.0F, 127.0F))) * (top / 127.0F);
    }
  }
}

}  // namespace

std::vector<float> rounded_values(std::string_view rounding, std::span<const float> x, int64_t k) {
  std::vector<float> out(x.size());
  const auto width = static_cast<std::size_t>(k);
  for (std::size_t begin = 0; begin < x.size(); begin += width) {
    const std::span<const float> token = x.subspan(begin, width);
    if (rounding == "eights") {
      round_eights(token, out.data() + begin);
    } else {
      fail(ErrorKind::usage, "rounding {}: not defined", rounding);
    }
  }
  return out;
}

}  // namespace ifm::reference
