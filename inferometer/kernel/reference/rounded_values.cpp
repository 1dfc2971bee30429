#include "inferometer/kernel/reference/rounded_values.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "inferometer/base/error.h"

namespace ifm::reference {
namespace {

float largest(std::span<const float> x) {
  float top = 0;
  for (const float v : x) top = std::max(top, std::fabs(v));
  return top;
}

/// A scale per `size` values; whole numbers up to `limit`.
void round_blocks(std::span<const float> x, std::size_t size, float limit, float* out) {
  for (std::size_t begin = 0; begin < x.size(); begin += size) {
    const float top = largest(x.subspan(begin, size));
    const float inverse = top > 0 ? limit / top : 0.0F;
    for (std::size_t i = begin; i < begin + size; ++i) {
      out[i] = static_cast<float>(std::lrint(std::clamp(x[i] * inverse, -limit, limit))) * (top / limit);
    }
  }
}

constexpr float kTwoDigits = 127.0F * 256.0F;

/// The place in x of nibble p of lane `lane`.
std::size_t place(std::size_t lane, std::size_t p, bool halves) {
  if (!halves) return 8 * lane + p;
  return 32 * (lane / 4) + 16 * (p % 2) + 4 * (lane % 4) + p / 2;
}

void round_digits(std::span<const float> x, bool halves, float* out) {
  for (std::size_t lane = 0; lane < x.size() / 8; ++lane) {
    const std::size_t begin = lane / 8 * 64;
    const float top = largest(x.subspan(begin, std::min<std::size_t>(64, x.size() - begin)));
    if (top < 0x1p-100F) continue;
    float before = 0;
    for (std::size_t p = 8; p-- > 0;) {
      const std::size_t i = place(lane, p, halves);
      const float integer = std::nearbyint(x[i] * (30590.0F / top) - before / 16);
      out[i] = (integer + before / 16) * (top / 30590.0F);
      before = integer;
    }
  }
}

void round_int16(std::span<const float> x, float* out) {
  for (std::size_t begin = 0; begin < x.size(); begin += 64) {
    const std::size_t count = std::min<std::size_t>(64, x.size() - begin);
    const float top = largest(x.subspan(begin, count));
    const float inverse = top >= 0x1p-100F ? 32639.0F / top : 0.0F;
    for (std::size_t i = begin; i < begin + count; ++i) out[i] = std::nearbyint(x[i] * inverse) * (top / 32639.0F);
  }
}

/// floor(log2(x)), at most cap.
int gain_of(double ratio, int cap) { return ratio < std::ldexp(1.0, cap) ? std::ilogb(ratio) : cap; }

/// Of 1, 2^1/4, 2^1/2 and 2^3/4 the one with the smallest sum of squared steps, where `tops` share a base.
float best_factor(float top, std::span<const float> tops, int cap) {
  float factor = 1;
  double least = std::numeric_limits<double>::infinity();
  for (const float c : {1.0F, 1.189207115F, 1.414213562F, 1.681792831F}) {
    double cost = 0;
    for (const float one : tops) cost += std::ldexp(1.0, -2 * gain_of(static_cast<double>(top / one * c), cap));
    cost *= static_cast<double>(c) * static_cast<double>(c);
    if (cost < least) factor = c;
    least = std::min(least, cost);
  }
  return factor;
}

void round_shifts(std::span<const float> x, int cap, float* out) {
  const float top = largest(x);
  if (top < 0x1p-100F) return;
  std::vector<float> tops;
  for (std::size_t begin = 0; begin < x.size(); begin += 16)
    tops.push_back(largest(x.subspan(begin, std::min<std::size_t>(16, x.size() - begin))));
  const float wide = top * best_factor(top, tops, cap);
  for (std::size_t i = 0; i < x.size(); ++i) {
    const int gain = gain_of(static_cast<double>(wide / tops[i / 16]), cap);
    const float q = std::clamp(x[i] * std::ldexp(127.0F / wide, gain), -127.0F, 127.0F);
    out[i] = static_cast<float>(std::lrint(q)) * std::ldexp(wide / 127.0F, -gain);
  }
}

void round_sixteens(std::span<const float> x, bool halves, float* out) {
  constexpr int kCap = 12;
  constexpr float kLimit = 127.4F;
  std::vector<float> tops(x.size() / 16);
  for (std::size_t lane = 0; lane < 2 * tops.size(); ++lane) {
    float before = 0;
    for (std::size_t p = 8; p-- > 0;) {
      before = x[place(lane, p, halves)] - before / 16;
      tops[lane / 2] = std::max(tops[lane / 2], std::fabs(before));
    }
  }
  const float top = largest(tops);
  if (top < 0x1p-100F) return;
  tops.resize((tops.size() + 15) / 16 * 16);  // rows are filled up to whole pairs of lines
  const float wide = top * best_factor(top, tops, kCap);
  for (std::size_t lane = 0; lane < x.size() / 8; ++lane) {
    const int gain = gain_of(static_cast<double>(wide / tops[lane / 2]), kCap);
    float before = 0;
    for (std::size_t p = 8; p-- > 0;) {
      const std::size_t i = place(lane, p, halves);
      const float integer = std::nearbyint(x[i] * std::ldexp(kLimit / wide, gain) - before / 16);
      out[i] = (integer + before / 16) * std::ldexp(wide / kLimit, -gain);
      before = integer;
    }
  }
}

/// Lanes of `width` values, and of as many `distance` further on unless that is 0.
void round_lanes(std::span<const float> x, std::size_t width, std::size_t distance, float* out) {
  constexpr int kCap = 12;
  const float top = largest(x);
  if (top < 0x1p-100F) return;
  std::vector<std::size_t> firsts;
  std::vector<float> tops;
  for (std::size_t i = 0; i < x.size(); i += width) {
    if (distance != 0 && i / distance % 2 != 0) continue;
    firsts.push_back(i);
    tops.push_back(std::max(largest(x.subspan(i, width)), distance == 0 ? 0.0F : largest(x.subspan(i + distance, width))));
  }
  tops.resize((tops.size() + 15) / 16 * 16);  // rows are filled up to whole lines
  const float wide = top * best_factor(top, tops, kCap);
  for (std::size_t lane = 0; lane < firsts.size(); ++lane) {
    const int gain = gain_of(static_cast<double>(wide / tops[lane]), kCap);
    for (std::size_t j = 0; j < (distance == 0 ? width : 2 * width); ++j) {
      const std::size_t i = firsts[lane] + j % width + (j < width ? 0 : distance);
      out[i] = static_cast<float>(std::lrint(x[i] * std::ldexp(127.0F / wide, gain))) * std::ldexp(wide / 127.0F, -gain);
    }
  }
}

void round_multiples(std::span<const float> x, float* out) {
  constexpr float kMost = 16384;
  const float top = largest(x);
  if (top < 0x1p-100F) return;
  const float base = top / (127 * kMost);
  for (std::size_t begin = 0; begin < x.size(); begin += 16) {
    const float multiple = std::ceil(largest(x.subspan(begin, 16)) * (kMost / top));
    if (multiple == 0) continue;
    const float factor = 127 * kMost / top / multiple;
    for (std::size_t i = begin; i < begin + 16; ++i) {
      out[i] = static_cast<float>(std::lrint(x[i] * factor)) * multiple * base;
    }
  }
}

void round_words(std::span<const float> x, float* out) {
  for (std::size_t begin = 0; begin < x.size(); begin += 32) {
    const float top = largest(x.subspan(begin, 32));
    if (top < 0x1p-100F) continue;
    for (std::size_t i = begin; i < begin + 32; ++i) {
      out[i] = static_cast<float>(std::lrint(x[i] * (32767.0F / top))) * (top / 32767.0F);
    }
  }
}

/// Lanes of 8 values: four, and the four `distance` further on.
void round_eights_apart(std::span<const float> x, std::size_t distance, float* out) {
  for (std::size_t i = 0; i < x.size(); i += i % distance == distance - 4 ? distance + 4 : 4) {
    const float top = std::max(largest(x.subspan(i, 4)), largest(x.subspan(i + distance, 4)));
    const float inverse = top >= 0x1p-100F ? 127.0F / top : 0.0F;
    for (std::size_t j = 0; j < 8; ++j) {
      const std::size_t at = i + j % 4 + (j < 4 ? 0 : distance);
      out[at] = static_cast<float>(std::lrint(x[at] * inverse)) * (top / 127.0F);
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
      round_blocks(token, 8, 127.0F, out.data() + begin);
    } else if (rounding == "int8 per 32") {
      round_blocks(token, 32, 127.0F, out.data() + begin);
    } else if (rounding == "two digits per 8") {
      round_blocks(token, 8, kTwoDigits, out.data() + begin);
    } else if (rounding == "two digits per 32") {
      round_blocks(token, 32, kTwoDigits, out.data() + begin);
    } else if (rounding == "digits" || rounding == "digits, halves") {
      round_digits(token, rounding != "digits", out.data() + begin);
    } else if (rounding == "sixteens12" || rounding == "sixteens12, halves") {
      round_sixteens(token, rounding != "sixteens12", out.data() + begin);
    } else if (rounding == "quads12") {
      round_lanes(token, 4, 0, out.data() + begin);
    } else if (rounding == "eights12, 32 apart" || rounding == "eights12, 64 apart") {
      round_lanes(token, 8, rounding == "eights12, 32 apart" ? 32 : 64, out.data() + begin);
    } else if (rounding == "int16") {
      round_int16(token, out.data() + begin);
    } else if (rounding == "eights16" || rounding == "eights32") {
      round_eights_apart(token, rounding == "eights16" ? 16 : 32, out.data() + begin);
    } else if (rounding == "shifts14") {
      round_shifts(token, 14, out.data() + begin);
    } else if (rounding == "shifts10") {
      round_shifts(token, 10, out.data() + begin);
    } else if (rounding == "multiples14") {
      round_multiples(token, out.data() + begin);
    } else if (rounding == "words32") {
      round_words(token, out.data() + begin);
    } else {
      fail(ErrorKind::usage, "rounding {}: not defined", rounding);
    }
  }
  return out;
}

}  // namespace ifm::reference
