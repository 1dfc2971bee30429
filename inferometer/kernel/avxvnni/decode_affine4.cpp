#include "inferometer/kernel/avx2/affine4_rows.h"
#include "inferometer/kernel/avxvnni/dots.h"

namespace ifm::IFM_VNNI {

void decode_affine4(const MatmulTask& task) { avx2::all_groups<Steps>(task); }
void decode_affine4_words(const MatmulTask& task) { avx2::all_groups<WordSteps>(task); }

}  // namespace ifm::IFM_VNNI
