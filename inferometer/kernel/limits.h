#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace ifm {

/// Reads every byte once (whole blocks of 256 of them), on this thread.
void read_once(std::span<const std::byte> bytes);

/// Read bandwidth over a private working set of `bytes`, GB/s (10^9), with `threads` threads; the best of the passes that fit
/// into `duration_ns`. Thread-safe, allocates the working set.
[[nodiscard]] double measure_read_gb_per_s(int threads, int64_t bytes, int64_t duration_ns);

/// Peak of int8 dot products of the best instruction set here, 10^9 multiply-adds a second, `threads` threads, best of the
/// passes that fit into `duration_ns`.
[[nodiscard]] double measure_int8_gmac_per_s(int threads, int64_t duration_ns);

}  // namespace ifm
