#include "inferometer/kernel/peak_loops.h"
#include "inferometer/kernel/peaks/plain.h"

// Of a processor that we have no kernels for.
namespace ifm {

std::vector<PeakLoop> int8_loops(std::string_view) { return {kPlainInt8Loop}; }
std::vector<PeakLoop> bf16_loops() { return {}; }
std::vector<PeakLoop> f32_loops() { return {kPlainF32Loop}; }

}  // namespace ifm
