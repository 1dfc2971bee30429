#include "inferometer/kernel/avx2/avx2.h"
#include "inferometer/kernel/avx2/vector.h"

namespace ifm::avx2 {
namespace {

/// For each mask of eight lanes, the numbers of its lanes, ascending, one per byte.
struct LaneTable {
  uint64_t lanes[256];
};

constexpr LaneTable kLanes = [] {
  LaneTable table{};
  for (uint64_t mask = 0; mask < 256; ++mask) {
    uint64_t shift = 0;
    for (uint64_t lane = 0; lane < 8; ++lane) {
      if ((mask >> lane & 1) == 0) continue;
      table.lanes[mask] |= lane << shift;
      shift += 8;
    }
  }
  return table;
}();

double sum4(__m256d v) {
  alignas(32) double lanes[4];
  _mm256_store_pd(lanes, v);
  return lanes[0] + lanes[1] + lanes[2] + lanes[3];
}

/// e^x of four vectors that are not above 0, with exp8's arithmetic, step by step side by side: alone each would wait for its own
/// steps. Below -87.7 the result is 0.
void exp_below(__m256* x) {
  constexpr float kSeries[] = {1.0F / 720, 1.0F / 120, 1.0F / 24, 1.0F / 6, 0.5F, 1.0F, 1.0F};
  __m256 n[4];
  __m256 p[4];
  for (int64_t j = 0; j < 4; ++j) x[j] = _mm256_max_ps(_mm256_set1_ps(-88.0F), x[j]);
  for (int64_t j = 0; j < 4; ++j) n[j] = _mm256_mul_ps(x[j], _mm256_set1_ps(1.44269504F));
  for (int64_t j = 0; j < 4; ++j) n[j] = _mm256_round_ps(n[j], _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
  for (int64_t j = 0; j < 4; ++j) x[j] = _mm256_fnmadd_ps(n[j], _mm256_set1_ps(0.693359375F), x[j]);
  for (int64_t j = 0; j < 4; ++j) x[j] = _mm256_fnmadd_ps(n[j], _mm256_set1_ps(-2.12194440e-4F), x[j]);
  for (int64_t j = 0; j < 4; ++j) p[j] = _mm256_set1_ps(1.0F / 5040);
  for (const float c : kSeries) {
    for (int64_t j = 0; j < 4; ++j) p[j] = _mm256_fmadd_ps(p[j], x[j], _mm256_set1_ps(c));
  }
  for (int64_t j = 0; j < 4; ++j) {
    const __m256i exponent = _mm256_slli_epi32(_mm256_add_epi32(_mm256_cvtps_epi32(n[j]), _mm256_set1_epi32(127)), 23);
    x[j] = _mm256_mul_ps(p[j], _mm256_castsi256_ps(exponent));
  }
}

}  // namespace

float largest(const float* x, int64_t k) {
  const __m256 magnitude = _mm256_castsi256_ps(_mm256_set1_epi32(0x7FFFFFFF));
  const __m256 infinity = _mm256_set1_ps(__builtin_inff());
  __m256 top[2] = {_mm256_set1_ps(x[0]), _mm256_set1_ps(x[0])};
  __m256 finite[2] = {_mm256_castsi256_ps(_mm256_set1_epi32(-1)), _mm256_castsi256_ps(_mm256_set1_epi32(-1))};
  int64_t i = 0;
  for (; i + 16 <= k; i += 16) {
    for (int64_t j = 0; j < 2; ++j) {
      const __m256 v = _mm256_loadu_ps(x + i + 8 * j);
      top[j] = _mm256_max_ps(top[j], v);
      finite[j] = _mm256_and_ps(finite[j], _mm256_cmp_ps(_mm256_and_ps(v, magnitude), infinity, _CMP_LT_OQ));
    }
  }
  float result = max8(_mm256_max_ps(top[0], top[1]));
  bool good = _mm256_movemask_ps(_mm256_and_ps(finite[0], finite[1])) == 0xFF;
  for (; i < k; ++i) {
    good = good && x[i] - x[i] == 0;
    result = x[i] > result ? x[i] : result;
  }
  return good ? result : __builtin_nanf("");
}

double exp_weights(const float* x, int64_t k, float top, float inverse_temperature, float* out) {
  const __m256 shift = _mm256_set1_ps(top);
  const __m256 factor = _mm256_set1_ps(inverse_temperature);
  __m256d sums[2] = {_mm256_setzero_pd(), _mm256_setzero_pd()};
  int64_t i = 0;
  for (; i + 32 <= k; i += 32) {
    __m256 p[4];
    for (int64_t j = 0; j < 4; ++j) p[j] = _mm256_mul_ps(_mm256_sub_ps(_mm256_loadu_ps(x + i + 8 * j), shift), factor);
    exp_below(p);
    for (int64_t j = 0; j < 4; ++j) {
      _mm256_storeu_ps(out + i + 8 * j, p[j]);
      sums[0] = _mm256_add_pd(sums[0], _mm256_cvtps_pd(_mm256_castps256_ps128(p[j])));
      sums[1] = _mm256_add_pd(sums[1], _mm256_cvtps_pd(_mm256_extractf128_ps(p[j], 1)));
    }
  }
  double sum = sum4(_mm256_add_pd(sums[0], sums[1]));
  for (; i < k; ++i) {
    out[i] = _mm256_cvtss_f32(exp8(_mm256_set1_ps((x[i] - top) * inverse_temperature)));
    sum += static_cast<double>(out[i]);
  }
  return sum;
}

int64_t count_above(const float* x, int64_t k, float bound) {
  const __m256 limit = _mm256_set1_ps(bound);
  __m256i counts[2] = {_mm256_setzero_si256(), _mm256_setzero_si256()};
  int64_t i = 0;
  for (; i + 16 <= k; i += 16) {
    for (int64_t j = 0; j < 2; ++j) {
      const __m256 above = _mm256_cmp_ps(_mm256_loadu_ps(x + i + 8 * j), limit, _CMP_GT_OQ);
      counts[j] = _mm256_sub_epi32(counts[j], _mm256_castps_si256(above));  // a match is -1
    }
  }
  alignas(32) int32_t lanes[8];
  _mm256_store_si256(reinterpret_cast<__m256i*>(lanes), _mm256_add_epi32(counts[0], counts[1]));
  int64_t count = 0;
  for (const int32_t lane : lanes) count += lane;
  for (; i < k; ++i) count += x[i] > bound ? 1 : 0;
  return count;
}

double sum_above(const float* x, int64_t k, float bound) {
  const __m256 limit = _mm256_set1_ps(bound);
  __m256d sums[2] = {_mm256_setzero_pd(), _mm256_setzero_pd()};
  int64_t i = 0;
  for (; i + 8 <= k; i += 8) {
    const __m256 v = _mm256_loadu_ps(x + i);
    const __m256 above = _mm256_and_ps(v, _mm256_cmp_ps(v, limit, _CMP_GT_OQ));
    sums[0] = _mm256_add_pd(sums[0], _mm256_cvtps_pd(_mm256_castps256_ps128(above)));
    sums[1] = _mm256_add_pd(sums[1], _mm256_cvtps_pd(_mm256_extractf128_ps(above, 1)));
  }
  double sum = sum4(_mm256_add_pd(sums[0], sums[1]));
  for (; i < k; ++i) sum += x[i] > bound ? static_cast<double>(x[i]) : 0.0;
  return sum;
}

int64_t indices_within(const float* x, int64_t k, float low, float high, int32_t* out) {
  const __m256 lower = _mm256_set1_ps(low);
  const __m256 upper = _mm256_set1_ps(high);
  int64_t count = 0;
  int64_t i = 0;
  for (; i + 16 <= k; i += 16) {
    const __m256 a = _mm256_loadu_ps(x + i);
    const __m256 b = _mm256_loadu_ps(x + i + 8);
    const __m256 in_a = _mm256_and_ps(_mm256_cmp_ps(a, lower, _CMP_GE_OQ), _mm256_cmp_ps(a, upper, _CMP_LE_OQ));
    const __m256 in_b = _mm256_and_ps(_mm256_cmp_ps(b, lower, _CMP_GE_OQ), _mm256_cmp_ps(b, upper, _CMP_LE_OQ));
    const unsigned masks[2] = {static_cast<unsigned>(_mm256_movemask_ps(in_a)), static_cast<unsigned>(_mm256_movemask_ps(in_b))};
    if ((masks[0] | masks[1]) == 0) continue;
    for (int64_t j = 0; j < 2; ++j) {
      const __m128i bytes = _mm_cvtsi64_si128(static_cast<int64_t>(kLanes.lanes[masks[j]]));
      const __m256i index = _mm256_add_epi32(_mm256_cvtepu8_epi32(bytes), _mm256_set1_epi32(static_cast<int>(i + 8 * j)));
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(out + count), index);
      count += __builtin_popcount(masks[j]);
    }
  }
  for (; i < k; ++i) {
    out[count] = static_cast<int32_t>(i);
    count += x[i] >= low && x[i] <= high ? 1 : 0;
  }
  return count;
}

}  // namespace ifm::avx2
