#include "inferometer/kernel/avx2/block32_rows.h"
#include "inferometer/kernel/avxvnni/dots.h"

namespace ifm::IFM_VNNI {

void decode_block32(const MatmulTask& task) { avx2::all_forms<Steps>(task); }
void decode_block32_words(const MatmulTask& task) { avx2::all_forms<WordSteps>(task); }

}  // namespace ifm::IFM_VNNI
