#include "inferometer/measure/probe.h"

#include "inferometer/base/clock.h"
#include "inferometer/base/utc.h"
#include "inferometer/base/version.h"
#include "inferometer/engine/simulated.h"
#include "inferometer/kernel/limits.h"
#include "inferometer/machine/cpu.h"
#include "inferometer/machine/page_cache.h"
#include "inferometer/machine/process_cpu.h"
#include "inferometer/machine/unavailable.h"
#include "inferometer/measure/clock_probe.h"
#include "inferometer/measure/token_recorder.h"

namespace ifm {
namespace {

constexpr int64_t kBandwidthDurationNs = 200'000'000;
/// Long enough that a thread which wakes now and then shows, short beside a block.
constexpr int64_t kWaitingNs = 50'000'000;
constexpr int kOverheadTokens = 4096;
constexpr int64_t kPeakDurationNs = 100'000'000;
constexpr int64_t kIdleNs = 500'000'000;
/// Somewhat over 0.4 s; a 99th percentile has an interval from 368 values on.
constexpr int kWakeups = 400;

void describe_build(Environment& e) {
  e.compiler = build_version().compiler;
  e.compiler_flags = build_version().flags;
  e.inferometer_version = build_version().version;
  e.inferometer_commit = build_version().commit;
}

void describe_machine(Environment& e) {
  const MachineFacts facts = machine_facts();
  e.host_class = facts.host_class;
  e.os = facts.os;
  e.kernel = facts.kernel;
  e.gpu = facts.gpu;
  e.microcode = facts.microcode;
  e.memory_bytes = facts.memory_bytes;
  e.cpu_quota_cores = facts.cpu_quota_cores;
  const CpuInfo& cpu = cpu_info();
  e.cpu = cpu.name;
  e.isa = cpu.features;
  e.sockets = cpu.sockets;
  e.numa_nodes = cpu.numa_nodes;
  e.physical_cores = cpu.physical_cores;
  e.logical_cores = cpu.logical_cores;
  e.caches = cpu.caches;
  e.unavailable = unavailable_facts();
}

void describe_state(Environment& e) {
  const MachineState now = machine_state();
  e.governor = now.governor;
  e.boost = now.boost;
  e.power_source = now.power_source;
  e.frequency_mhz = now.frequency_mhz;
  e.temperature_c = now.temperature_c;
  e.load_1m = now.load_1m;
}

/// What the machine reaches, once what it does at rest is known.
void measure_limits(Environment& e) {
  e.idle_power_w = sleeping_power_w(kIdleNs);
  const int threads = cpu_info().physical_cores;
  e.read_gb_per_s = measure_read_gb_per_s(threads, memory_set_bytes(cpu_info().cache_bytes), kBandwidthDurationNs);
  e.int8_gmac_per_s = measure_int8_peak(threads, kPeakDurationNs).gmac_per_s;
}

/// METHOD 12: the instrument.
void measure_harness(Environment& e) {
  SteadyClock clock;
  e.timer_resolution_ns = timer_resolution_ns();
  e.clock_stamp_ns = measure_stamp_ns(clock);
  const Spread late_ns = spread_of(late_wakeups_ns(clock, kWakeups));
  e.sleep_late_p50_ns = late_ns.p50;
  e.sleep_late_p99_ns = late_ns.p99;
  e.harness_overhead_ns_per_token = measure_harness_overhead_ns();
}

class RealMachine final : public MachineProbe {
 public:
  [[nodiscard]] Environment environment() override {
    const std::optional<CpuTimes> before = ifm::cpu_times();
    Environment e;
    describe_build(e);
    describe_machine(e);
    describe_state(e);
    measure_limits(e);
    measure_harness(e);
    e.steal_percent = steal_percent(before, ifm::cpu_times());
    return e;
  }
  [[nodiscard]] MachineState state() override { return machine_state(); }
  [[nodiscard]] std::optional<CanaryTimes> canary() override { return canary_.run(); }
  [[nodiscard]] std::optional<CpuTimes> cpu_times() override { return ifm::cpu_times(); }
  [[nodiscard]] std::optional<int64_t> suspended_ns() override { return ifm::suspended_ns(); }
  [[nodiscard]] RunCounters counters(RunEdge edge) override { return run_counters(edge); }
  [[nodiscard]] std::optional<double> waiting_cpu_share() override { return family_busy_cores(kWaitingNs); }
  [[nodiscard]] std::optional<double> page_cache_share(const std::filesystem::path& model) override {
    return resident_share(weight_files_of(model));
  }
  void drop_page_cache(const std::filesystem::path& model) override {
    // Whether it worked is seen in page_cache_share(), which is recorded.
    (void)ifm::drop_page_cache(weight_files_of(model));
  }
  [[nodiscard]] std::string utc_now() override { return ifm::utc_now(); }

 private:
  Canary canary_;
};

}  // namespace

std::unique_ptr<MachineProbe> make_machine_probe() { return std::make_unique<RealMachine>(); }

double measure_harness_overhead_ns() {
  SteadyClock clock;
  EngineOptions options{.kind = "simulated"};
  options.simulated = {.ttft_ns = 0, .prefill_ns_per_token = 0, .gap_ns = 0};
  const auto engine = make_simulated_engine(options, clock);
  const auto model = engine->load({}, "null");
  TokenRecorder recorder(clock, kOverheadTokens, {}, StopSource());
  recorder.begin(clock.now_ns());
  (void)model->generate({.max_tokens = kOverheadTokens}, recorder, {});
  const auto& stamps = recorder.received_ns();
  return static_cast<double>(stamps.back() - stamps.front()) / (kOverheadTokens - 1);
}

}  // namespace ifm
