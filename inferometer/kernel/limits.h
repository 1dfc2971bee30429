#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace ifm {

/// Reads every byte once (whole blocks of 256 of them), on this thread.
void read_once(std::span<const std::byte> bytes);

/// Bytes of a working set with which memory is measured and no cache: four times what `cache_bytes` (CpuInfo's) hold, 256 MB at
/// least and 1 GB at most.
[[nodiscard]] int64_t memory_set_bytes(int64_t cache_bytes);

/// Read bandwidth over a private working set of `bytes`, GB/s (10^9), with `threads` threads; the best of the passes that fit
/// into `duration_ns`, which alternate between one ascending stream and two far ones per thread. Thread-safe, allocates the
/// working set.
[[nodiscard]] double measure_read_gb_per_s(int threads, int64_t bytes, int64_t duration_ns);

/// What arithmetic in registers reaches.
struct Peak {
  double gmac_per_s = 0;         ///< 10^9 multiply-adds a second, all threads together
  std::string_view instruction;  ///< that reached it: "vpdpbusd zmm"
};

/// Peak of int8 dot products with `threads` threads, best of the passes that fit into `duration_ns`. `isa`: with the instructions
/// that this set of kernels uses, one of available_isas(); empty = with the best that the processor has. Thread-safe.
[[nodiscard]] Peak measure_int8_peak(int threads, int64_t duration_ns, std::string_view isa = {});
/// The same of dot products of bf16; null where the processor has none.
[[nodiscard]] std::optional<Peak> measure_bf16_peak(int threads, int64_t duration_ns);
/// The same of f32.
[[nodiscard]] Peak measure_f32_peak(int threads, int64_t duration_ns);

}  // namespace ifm
