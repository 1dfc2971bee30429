#include "inferometer/kernel/avx2/affine4_rows.h"

#include "inferometer/kernel/avx2/avx2.h"

namespace ifm::avx2 {

void decode_affine4(const MatmulTask& task) { all_groups<Steps>(task); }
void decode_affine4_words(const MatmulTask& task) { all_groups<WordSteps>(task); }

}  // namespace ifm::avx2
