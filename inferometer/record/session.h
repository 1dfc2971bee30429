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
};

/// The machine and the build that a session ran on; unknown = null or empty.
struct Environment {
  std::string host_class;  ///< "desktop", "virtual machine (kvm)", …
  std::string os, kernel, cpu, isa, compiler, inferometer_version, inferometer_commit;
  std::optional<int> physical_cores, logical_cores;
  std::optional<int64_t> memory_bytes;
  std::string governor;
  std::optional<double> frequency_mhz, load_1m, temperature_c, steal_percent, cpu_quota_cores;
  std::string power_source;
  std::string gpu;                      ///< a GPU that is there (and unused by the embedded engine), else empty
  std::optional<double> read_gb_per_s;  ///< measured at session start, all threads
  std::optional<double> timer_resolution_ns;
  std::optional<double> harness_overhead_ns_per_token;  ///< METHOD 12
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
