#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "inferometer/record/plan.h"
#include "inferometer/record/run.h"

namespace ifm {

/// A loaded model as a session used it.
struct SessionModel {
  std::string engine, model;
  std::string path, architecture, quantization, hash, isa, accuracy;
  int threads = 0;
  int context = 0;
  std::optional<int64_t> weight_bytes, parameters, bytes_per_token;
  std::optional<double> load_s;
  std::string engine_version;  ///< of the library or server; empty = unknown
  /// What a token takes, as ModelInfo has it; null where the engine does not say.
  std::optional<int64_t> macs_per_token, head_macs, attention_macs_per_position, logits_only_macs, cache_bytes_per_position;
};

/// The machine and the build that a session ran on; unknown = null or empty.
struct Environment {
  std::string host_class;  ///< "desktop", "virtual machine (kvm)", …
  std::string os, kernel, cpu, isa, compiler, compiler_flags, inferometer_version, inferometer_commit;
  std::string microcode;
  std::optional<int> sockets, numa_nodes, physical_cores, logical_cores;
  std::string caches;  ///< "L1 2 × 32 KiB, L2 2 × 512 KiB, L3 1 × 32 MiB"
  std::optional<int64_t> memory_bytes;
  std::string governor;
  std::string boost;  ///< "on", "off"
  std::optional<double> frequency_mhz, load_1m, temperature_c, steal_percent, cpu_quota_cores;
  std::string power_source;
  std::string gpu;                        ///< a GPU that is there (and unused by the embedded engine), else empty
  std::optional<double> read_gb_per_s;    ///< measured at session start, all threads
  std::optional<double> int8_gmac_per_s;  ///< likewise: peak of int8 multiply-adds, 10^9 a second
  std::optional<double> idle_power_w;     ///< of all packages while this process slept, at session start
  std::optional<double> timer_resolution_ns, clock_stamp_ns;   ///< the clock's smallest step; what a reading costs
  std::optional<double> sleep_late_p50_ns, sleep_late_p99_ns;  ///< how late a thread that sleeps wakes up
  std::optional<double> harness_overhead_ns_per_token;         ///< METHOD 12
  std::vector<std::string> unavailable;  ///< what this machine does not tell and why: "energy: no powercap here"
};

/// One execution of a plan.
struct Session {
  int64_t id = 0;
  std::string started_utc;   ///< ISO 8601; wall clock, for people only
  std::string finished_utc;  ///< empty while unfinished
  Plan plan;
  uint64_t order_seed = 0;
  Environment environment;
  std::vector<SessionModel> models;
  std::string command;  ///< as typed
};

}  // namespace ifm
