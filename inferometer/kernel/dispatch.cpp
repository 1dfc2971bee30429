#include <algorithm>
#include <array>
#include <cstdlib>
#include <initializer_list>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "inferometer/base/error.h"
#include "inferometer/kernel/isa_sets.h"
#include "inferometer/machine/cpu.h"

namespace ifm {
namespace {

template <typename Function>
void take_if_null(Function& function, Function from) {
  if (function == nullptr) function = from;
}

constexpr std::array kTables{&Kernels::fast_decode, &Kernels::fast_prefill, &Kernels::exact_decode, &Kernels::exact_prefill};

/// What a set leaves out, from the next best one.
Kernels completed(Kernels set, const Kernels& next) {
  for (ProductTable Kernels::*table : kTables) {
    for (std::size_t i = 0; i < kPackings; ++i) {
      if ((set.*table)[i].multiply == nullptr) (set.*table)[i] = (next.*table)[i];
    }
  }
  take_if_null(set.rms_norm, next.rms_norm);
  take_if_null(set.rope, next.rope);
  take_if_null(set.swiglu, next.swiglu);
  take_if_null(set.add, next.add);
  take_if_null(set.to_f16, next.to_f16);
  take_if_null(set.largest, next.largest);
  take_if_null(set.exp_weights, next.exp_weights);
  take_if_null(set.count_above, next.count_above);
  take_if_null(set.sum_above, next.sum_above);
  take_if_null(set.indices_within, next.indices_within);
  take_if_null(set.attention, next.attention);
  return set;
}

/// The set that the environment asks for; empty = none.
std::string_view isa_of_environment() {
  const char* name = std::getenv("IFM_ISA");
  return name == nullptr ? "" : name;
}

/// Every set that this build has and this processor runs, best first, whole; the best is the environment's, where it is there.
const std::vector<Kernels>& usable_sets() {
  static const std::vector<Kernels> sets = [] {
    std::vector<Kernels> worst_first{reference_kernels()};
    const auto add = [&](const Kernels* set, std::initializer_list<std::string_view> features) {
      const bool usable = set != nullptr && cpu_has(features);
      if (usable) worst_first.push_back(completed(*set, worst_first.back()));
      return usable;
    };
    add(avx2_kernels(), {"avx2", "fma", "f16c"});
    if (!add(avxvnni_kernels(), {"avx2", "fma", "f16c", "avx_vnni"}))
      add(avxvnni_evex_kernels(), {"avx2", "fma", "f16c", "avx512vl", "avx512_vnni"});
    add(avx512_kernels(), {"avx2", "fma", "f16c", "avx512f", "avx512bw", "avx512dq", "avx512vl", "avx512_vnni", "avx512_bf16"});
    add(neon_kernels(), {"neon"});
    add(neon_dotprod_kernels(), {"neon", "dotprod"});
    add(neon_i8mm_kernels(), {"neon", "dotprod", "i8mm"});
    std::vector<Kernels> best_first(worst_first.rbegin(), worst_first.rend());
    const auto wanted = std::ranges::find(best_first, isa_of_environment(), &Kernels::isa);
    if (wanted != best_first.end()) best_first.erase(best_first.begin(), wanted);
    return best_first;
  }();
  return sets;
}

}  // namespace

const char* to_string(Accuracy accuracy) { return accuracy == Accuracy::fast ? "fast" : "exact"; }

const Product& product(const Kernels& kernels, Accuracy accuracy, Phase phase, Packing packing) {
  const ProductTable& fast = phase == Phase::decode ? kernels.fast_decode : kernels.fast_prefill;
  const ProductTable& exact = phase == Phase::decode ? kernels.exact_decode : kernels.exact_prefill;
  return (accuracy == Accuracy::fast ? fast : exact)[static_cast<std::size_t>(packing)];
}

int64_t matmul_scratch_bytes(int64_t n, int64_t k) {
  // Two rows unpacked to f32 with a row's scales and biases, one per 16 and per 32 columns; or the scales and biases of
  // kMatmulRows rows, one per 32 columns and padded.
  const int64_t rows = std::max(2 * 4 * (k + 64) + k / 2 + 1024, kMatmulRows * 2 * 4 * (k / 32 + 32));
  // A panel of kMatmulRows rows of a span of k, and its sums with every token.
  return std::max(rows, kPanelBytes + (n + kRoundedTokens) * kMatmulRows * 4);
}

int64_t attention_scratch_floats(int64_t group, int64_t head_dim) {
  // Each query, the sum of values for it, and up to 16 numbers about it.
  return group * kAttentionTokens * (2 * head_dim + 16) + 512;
}

std::vector<std::string> available_isas() {
  std::vector<std::string> names;
  for (const Kernels& set : usable_sets()) names.emplace_back(set.isa);
  return names;
}

std::string plain_code_note() {
  if (usable_sets().size() > 1 || !isa_of_environment().empty()) return {};
#if defined(__x86_64__)
  return "this processor has no AVX2, so that the embedded engine runs plain code, which is many times slower";
#else
  return "there is only plain code for this processor, so that the embedded engine is slow here";
#endif
}

const Kernels& kernels_for(std::string_view isa) {
  const std::vector<Kernels>& sets = usable_sets();
  const std::string_view wanted = isa.empty() ? isa_of_environment() : isa;
  if (wanted.empty()) return sets.front();
  const auto found = std::ranges::find(sets, wanted, &Kernels::isa);
  if (found == sets.end()) {
    fail(ErrorKind::usage, "{}: {} cannot be used here (expected one of {})", isa.empty() ? "IFM_ISA" : "--isa", wanted,
         fmt::join(available_isas(), ", "));
  }
  return *found;
}

}  // namespace ifm
