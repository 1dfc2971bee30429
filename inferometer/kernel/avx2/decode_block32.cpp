#include "inferometer/kernel/avx2/block32_rows.h"

#include "inferometer/kernel/avx2/avx2.h"

namespace ifm::avx2 {

void decode_block32(const MatmulTask& task) { all_forms<Steps>(task); }
void decode_block32_words(const MatmulTask& task) { all_forms<WordSteps>(task); }

}  // namespace ifm::avx2
