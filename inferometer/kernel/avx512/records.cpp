#include "inferometer/kernel/avx512/records.h"

namespace ifm::avx512 {

SpanCut cut_into_spans(int64_t k) {
  const int64_t records = (k + kRecordValues - 1) / kRecordValues;
  // Eight records where they come out even: their scales fill whole loads.
  return {records, records % 8 == 0 ? records / 8 : (records + kSpanRecords - 1) / kSpanRecords};
}

int64_t blocks_of(int64_t n) { return (n + kRoundedTokens - 1) / kRoundedTokens; }

const std::byte* records_of(const Activations& x, const SpanCut& cut, int64_t record_bytes, int64_t span, int64_t block) {
  const int64_t begin = cut.begin(span);
  return x.rounded + (begin * blocks_of(x.n) + block * (cut.begin(span + 1) - begin)) * record_bytes;
}

Block::Block(const float* x, int64_t n, int64_t k, int64_t index) {
  for (int64_t t = 0; t < kRoundedTokens; ++t) {
    const int64_t row = index * kRoundedTokens + t;
    token[t] = x + (row < n ? row : n - 1) * k;
  }
}

}  // namespace ifm::avx512
