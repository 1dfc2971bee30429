#include "inferometer/kernel/limits.h"

#include <algorithm>
#include <atomic>
#include <barrier>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "inferometer/base/clock.h"
#include "inferometer/kernel/peak_loops.h"
#include "inferometer/kernel/read_loops.h"
#include "inferometer/machine/cpu.h"

namespace ifm {
namespace {

constexpr int64_t kMinMemorySetBytes = int64_t{256} << 20;
constexpr int64_t kMaxMemorySetBytes = int64_t{1} << 30;
constexpr int64_t kPeakRounds = 50'000;  // a quarter of a millisecond

/// Where loops leave what they find, so that they are not optimized away.
std::atomic<uint64_t> sink{0};

/// One way to spend a pass, on every thread, and what it does of whatever is counted.
struct Way {
  double work = 0;
  std::function<void(int)> run;
};

struct BestWay {
  double per_ns = 0;  ///< work
  std::size_t index = 0;
};

/// Begin and end of a thread's part of a pass.
struct alignas(64) Times {
  int64_t begin = 0, end = 0;
};

/// Threads that pass together through one way after the other, and what the passes took.
class Passes {
 public:
  Passes(int threads, int64_t duration_ns, const std::vector<Way>& ways)
      : ways_(ways),
        duration_ns_(duration_ns),
        bound_(threads > 1 && threads >= cpu_info().physical_cores),
        times_(static_cast<std::size_t>(threads)),
        begin_(threads),
        end_(threads, Count{this}) {}

  /// What thread `thread` does: prepare(thread), then passes until the time is over.
  void work(int thread, const std::function<void(int)>& prepare) {
    // Where a neighbour holds a core, threads that find each other on the other one would take turns and never run together.
    if (bound_) bind_thread_to_core(thread);
    prepare(thread);
    SteadyClock clock;
    while (!over_) {
      const Way& way = ways_[way_];
      begin_.arrive_and_wait();
      const int64_t begin = clock.now_ns();
      way.run(thread);
      times_[static_cast<std::size_t>(thread)] = {begin, clock.now_ns()};
      end_.arrive_and_wait();
    }
  }

  [[nodiscard]] const BestWay& best() const { return best_; }

 private:
  struct Count {
    Passes* passes;
    void operator()() noexcept { passes->count(); }
  };

  /// After a pass, on the thread that was last, while the others wait. The first pass of each way warms up.
  void count() {
    SteadyClock clock;
    if (done_ >= ways_.size()) {
      const int64_t ns = std::ranges::max(times_, {}, &Times::end).end - std::ranges::min(times_, {}, &Times::begin).begin;
      const double per_ns = ways_[way_].work / static_cast<double>(std::max<int64_t>(1, ns));
      if (per_ns > best_.per_ns) best_ = {per_ns, way_};
    }
    if (++done_ == ways_.size()) end_ns_ = clock.now_ns() + duration_ns_;
    way_ = done_ % ways_.size();
    over_ = done_ >= 2 * ways_.size() && clock.now_ns() >= end_ns_;
  }

  const std::vector<Way>& ways_;
  int64_t duration_ns_;
  bool bound_;
  std::size_t done_ = 0;
  std::size_t way_ = 0;
  int64_t end_ns_ = 0;
  bool over_ = false;
  BestWay best_;
  std::vector<Times> times_;
  std::barrier<> begin_;
  std::barrier<Count> end_;
};

/// Alternates between the ways until the time is over, each at least once after a warm-up, and returns the best pass. A pass
/// lasts from the first thread's begin to the last one's end.
BestWay best_pass(
    int threads, int64_t duration_ns, const std::vector<Way>& ways, const std::function<void(int)>& prepare = [](int) {}) {
  Passes passes(threads, duration_ns, ways);
  std::vector<std::thread> workers;
  workers.reserve(static_cast<std::size_t>(threads));
  for (int i = 0; i < threads; ++i) workers.emplace_back([&passes, &prepare, i] { passes.work(i, prepare); });
  for (std::thread& worker : workers) worker.join();
  return passes.best();
}

Peak measure_peak(const std::vector<PeakLoop>& loops, int threads, int64_t duration_ns) {
  std::vector<Way> ways;
  ways.reserve(loops.size());
  for (const PeakLoop& loop : loops) {
    ways.push_back({static_cast<double>(loop.macs_per_round * kPeakRounds * threads),
                    [run = loop.run](int) { sink.store(static_cast<uint64_t>(run(kPeakRounds)), std::memory_order_relaxed); }});
  }
  const BestWay best = best_pass(threads, duration_ns, ways);
  return {best.per_ns, loops[best.index].instruction};
}

}  // namespace

void read_once(std::span<const std::byte> bytes) { sink.store(xor_in_order(bytes), std::memory_order_relaxed); }

int64_t memory_set_bytes(int64_t cache_bytes) { return std::clamp(4 * cache_bytes, kMinMemorySetBytes, kMaxMemorySetBytes); }

double measure_read_gb_per_s(int threads, int64_t bytes, int64_t duration_ns) {
  const auto part = static_cast<std::size_t>(bytes / threads / 4096 * 4096);
  const std::size_t all = part * static_cast<std::size_t>(threads);
  const std::unique_ptr<std::byte[]> data(new std::byte[all]);
  const auto part_of = [&](int thread) { return std::span(data.get() + part * static_cast<std::size_t>(thread), part); };
  const auto work = static_cast<double>(all);
  // Some products walk two far rows at a time: which pattern memory likes better depends on the machine.
  return best_pass(threads, duration_ns,
                   {{work, [&](int thread) { sink.store(xor_in_order(part_of(thread)), std::memory_order_relaxed); }},
                    {work, [&](int thread) { sink.store(xor_of_halves(part_of(thread)), std::memory_order_relaxed); }}},
                   [&](int thread) { std::ranges::fill(part_of(thread), std::byte{1}); })
      .per_ns;
}

Peak measure_int8_peak(int threads, int64_t duration_ns, std::string_view isa) {
  return measure_peak(int8_loops(isa), threads, duration_ns);
}

std::optional<Peak> measure_bf16_peak(int threads, int64_t duration_ns) {
  const std::vector<PeakLoop> loops = bf16_loops();
  if (loops.empty()) return std::nullopt;
  return measure_peak(loops, threads, duration_ns);
}

Peak measure_f32_peak(int threads, int64_t duration_ns) { return measure_peak(f32_loops(), threads, duration_ns); }

}  // namespace ifm
