#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

namespace ifm {

/// The processor that this process may use.
struct CpuInfo {
  std::string name;               ///< "AMD EPYC …", as the OS says it
  int physical_cores = 1;         ///< of those that this process may run on
  int logical_cores = 1;          ///< in the affinity mask
  std::optional<int> sockets;     ///< packages, of those that this process may run on; null = not shown
  std::optional<int> numa_nodes;  ///< likewise
  std::string caches;             ///< data caches of them: "L1 2 × 32 KiB, L2 2 × 512 KiB, L3 1 × 32 MiB"; empty = not shown
  int64_t cache_bytes = 0;        ///< last-level caches of these cores, together; 0 = unknown
  std::string features;           ///< space-separated, of those that kernels care for: "avx2 fma avx512f avx512_vnni …"
};

/// Asked once, then cached. Never throws: what cannot be found out stays at its default.
[[nodiscard]] const CpuInfo& cpu_info();

/// Whether the processor and the operating system allow all of these instruction sets, by the names of CpuInfo::features.
[[nodiscard]] bool cpu_has(std::initializer_list<std::string_view> features);

/// Keeps the calling thread on one physical core: number `index` modulo their number, of those that this process may run on.
/// False where the OS does not do that. Thread-safe.
bool bind_thread_to_core(int index);

}  // namespace ifm
