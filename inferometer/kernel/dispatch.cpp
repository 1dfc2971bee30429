#include <algorithm>

#include "inferometer/base/error.h"
#include "inferometer/kernel/isa_sets.h"

namespace ifm {
namespace {

bool cpu_has_avx2() {
#if defined(__x86_64__)
  return __builtin_cpu_supports("avx2") != 0 && __builtin_cpu_supports("fma") != 0 && __builtin_cpu_supports("f16c") != 0;
#else
  return false;
#endif
}

/// Best first.
std::vector<const Kernels*> usable_sets() {
  std::vector<const Kernels*> sets;
  if (const Kernels* avx2 = avx2_kernels(); avx2 != nullptr && cpu_has_avx2()) sets.push_back(avx2);
  sets.push_back(&reference_kernels());
  return sets;
}

}  // namespace

const char* to_string(Accuracy accuracy) { return accuracy == Accuracy::fast ? "fast" : "exact"; }

int64_t matmul_scratch_bytes(int64_t k) {
  // Two rows unpacked to f32; rounded rows with their scales and biases need less.
  return 2 * 4 * (k + 64) + 1024;
}

int64_t attention_scratch_floats(int64_t group, int64_t head_dim) {
  // A block of keys and of values, its scores, and the running top and total of each query.
  return 2 * kAttentionKeys * head_dim + kAttentionKeys + 2 * group * kAttentionTokens + 64;
}

std::vector<std::string> available_isas() {
  std::vector<std::string> names;
  for (const Kernels* set : usable_sets()) names.emplace_back(set->isa);
  return names;
}

const Kernels& kernels_for(std::string_view isa) {
  const std::vector<const Kernels*> sets = usable_sets();
  if (isa.empty()) return *sets.front();
  const auto found = std::ranges::find(sets, isa, &Kernels::isa);
  if (found == sets.end()) {
    std::string names;
    for (const Kernels* set : sets) names += (names.empty() ? "" : ", ") + std::string(set->isa);
    fail(ErrorKind::usage, "--isa: {} cannot be used here (expected one of {})", isa, names);
  }
  return **found;
}

}  // namespace ifm
