#include "inferometer/measure/calibration.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include <fmt/format.h>

#include "inferometer/base/clock.h"
#include "inferometer/base/error.h"
#include "inferometer/engine/registry.h"
#include "inferometer/machine/process_cpu.h"
#include "inferometer/machine/system.h"
#include "inferometer/measure/probe.h"
#include "inferometer/measure/token_recorder.h"
#include "inferometer/net/scripted_server.h"

namespace ifm {
namespace {

constexpr int kRequests = 100;
constexpr int kTokens = 16;
constexpr int64_t kFirstNs = 8'000'000;  ///< from the request to the first token
constexpr int64_t kGapNs = 4'000'000;

constexpr double kMaxReceiveNs = 250e3;
constexpr double kMaxTtftP50Ns = 500e3;
constexpr double kMaxTtftP99Ns = 2e6;
constexpr double kMaxItl = 0.002;
constexpr double kMaxE2e = 0.005;
/// Others may use so much of a core, or steal so much, before a machine is not called quiet.
constexpr double kQuietCores = 0.1;
constexpr double kQuietStealPercent = 2;

/// What the server sent for each request: stamps of its token events.
class SendLog {
 public:
  void add(std::vector<int64_t> sent_ns) {
    const std::lock_guard lock(mutex_);
    requests_.push_back(std::move(sent_ns));
  }
  [[nodiscard]] std::vector<std::vector<int64_t>> requests() const {
    const std::lock_guard lock(mutex_);
    return requests_;
  }

 private:
  mutable std::mutex mutex_;
  std::vector<std::vector<int64_t>> requests_;
};

/// Sends tokens at absolute deadlines, so that a late one does not move the next.
void play(ScriptedConnection& connection, SendLog& log) {
  SteadyClock clock;
  const int64_t begin_ns = clock.now_ns();
  connection.headers();
  std::vector<int64_t> sent_ns;
  for (int i = 0; i < kTokens; ++i) {
    clock.wait_until(begin_ns + kFirstNs + i * kGapNs);
    connection.data(R"({"model":"m","choices":[{"index":0,"delta":{"content":"x "},"finish_reason":null}]})");
    sent_ns.push_back(connection.sent_ns.back());
  }
  log.add(std::move(sent_ns));
  connection.data(R"({"model":"m","choices":[{"index":0,"delta":{},"finish_reason":"length"}]})");
  connection.data(fmt::format(R"({{"choices":[],"usage":{{"prompt_tokens":1,"completion_tokens":{}}}}})", kTokens));
  connection.send("data: [DONE]\n\n");
}

/// CPU time of the whole machine and of us.
struct MachineUse {
  std::optional<CpuTimes> machine = cpu_times();
  std::optional<std::map<pid_t, int64_t>> family = family_cpu_ns();
  int64_t at_ns = SteadyClock().now_ns();
};

std::optional<double> others_cores(const MachineUse& before, const MachineUse& after) {
  if (!before.machine || !after.machine || !before.family || !after.family) return std::nullopt;
  const auto elapsed = static_cast<double>(after.at_ns - before.at_ns);
  const uint64_t total = after.machine->total - before.machine->total;
  const uint64_t idle = after.machine->idle - before.machine->idle;
  if (total == 0) return std::nullopt;
  const auto cores = static_cast<double>(std::thread::hardware_concurrency());
  const double busy = cores * (1 - static_cast<double>(idle) / static_cast<double>(total));
  double own_ns = 0;
  for (const auto& [process, ns] : *after.family) {
    const auto at = before.family->find(process);
    own_ns += static_cast<double>(ns - (at == before.family->end() ? 0 : at->second));
  }
  return std::max(0.0, busy - own_ns / elapsed);
}

/// One request, measured as a run of a plan is.
struct Measured {
  int64_t start_ns = 0;
  std::vector<int64_t> received_ns;
};

Measured ask(Model& model, Clock& clock) {
  TokenRecorder recorder(clock, kTokens + 1, {}, StopSource());
  Measured measured{.start_ns = clock.now_ns(), .received_ns = {}};
  recorder.begin(measured.start_ns);
  const Request request{.messages = {{"user", "x"}}, .max_tokens = kTokens};
  const Completion done = model.generate(request, recorder, {});
  // On a busy machine several tokens come with one read.
  for (std::size_t i = 0; i < done.event_tokens.size(); ++i) {
    measured.received_ns.insert(measured.received_ns.end(), static_cast<std::size_t>(done.event_tokens[i]),
                                recorder.received_ns().at(i));
  }
  if (measured.received_ns.size() != kTokens) fail(ErrorKind::network, "calibrate: the loopback server's answer was not whole");
  return measured;
}

LoopbackTruth compare(const std::vector<Measured>& measured, const std::vector<std::vector<int64_t>>& sent) {
  std::vector<double> receive, ttft;
  double gaps = 0, true_gaps = 0;
  LoopbackTruth truth{.requests = static_cast<int>(measured.size())};
  for (std::size_t i = 0; i < measured.size(); ++i) {
    const Measured& m = measured[i];
    const std::vector<int64_t>& s = sent.at(i);
    for (std::size_t k = 0; k < s.size(); ++k) receive.push_back(static_cast<double>(m.received_ns[k] - s[k]));
    ttft.push_back(static_cast<double>(m.received_ns.front() - s.front()));
    gaps += static_cast<double>(m.received_ns.back() - m.received_ns.front());
    true_gaps += static_cast<double>(s.back() - s.front());
    const auto true_e2e = static_cast<double>(s.back() - m.start_ns);
    truth.e2e_error = std::max(truth.e2e_error, std::abs(static_cast<double>(m.received_ns.back() - s.back()) / true_e2e));
  }
  truth.receive_minus_send_ns = spread_of(receive);
  truth.ttft_error_ns = spread_of(ttft);
  truth.mean_itl_error = std::abs(gaps / true_gaps - 1);
  return truth;
}

void measure_loopback(Calibration& calibration) {
  SteadyClock clock;
  SendLog log;
  const ScriptedServer server([&](ScriptedConnection& connection, const std::string&) { play(connection, log); });
  EngineOptions options{.kind = "openai"};
  options.server.url = server.url();
  const auto engine = make_engine(options, clock);
  const auto model = engine->load({}, "calibrate");
  (void)ask(*model, clock);  // the first request finds nothing warm
  std::vector<Measured> measured;
  const MachineUse before;
  SleepProbe probe;
  for (int i = 0; i < kRequests; ++i) measured.push_back(ask(*model, clock));
  const std::vector<double> late = probe.finish();
  const MachineUse after;
  std::vector<std::vector<int64_t>> sent = log.requests();
  sent.erase(sent.begin());
  calibration.loopback = compare(measured, sent);
  calibration.disturbance = {.late_ns = spread_of(late),
                             .others_cores = others_cores(before, after),
                             .steal_percent = steal_percent(before.machine, after.machine)};
}

}  // namespace

bool within_bounds(const LoopbackTruth& truth) {
  return truth.receive_minus_send_ns.p99 <= kMaxReceiveNs && truth.ttft_error_ns.p50 <= kMaxTtftP50Ns &&
         truth.ttft_error_ns.p99 <= kMaxTtftP99Ns && truth.mean_itl_error <= kMaxItl && truth.e2e_error <= kMaxE2e;
}

bool Disturbance::quiet() const {
  return late_ns.p99 <= kMaxReceiveNs && others_cores.value_or(0) <= kQuietCores &&
         steal_percent.value_or(0) <= kQuietStealPercent;
}

Calibration calibrate() {
  SteadyClock clock;
  Calibration calibration{.overhead_ns_per_token = measure_harness_overhead_ns(),
                          .stamp_ns = measure_stamp_ns(clock),
                          .timer_resolution_ns = timer_resolution_ns(),
                          .loopback = {},
                          .disturbance = {}};
  measure_loopback(calibration);
  return calibration;
}

}  // namespace ifm
