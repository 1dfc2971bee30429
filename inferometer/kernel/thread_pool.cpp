#include "inferometer/kernel/thread_pool.h"

#include <algorithm>
#include <limits>

#include "inferometer/base/check.h"

namespace ifm {
namespace {

/// About 50 microseconds on today's processors: longer than the gap between two kernels, shorter than a scheduler's slice.
constexpr int kSpins = 4000;

void pause_cpu() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

/// Spins until ready() or until it has spun long enough; says whether it is ready.
template <typename Ready>
bool spin(const Ready& ready) {
  for (int i = 0; i < kSpins; ++i) {
    if (ready()) return true;
    pause_cpu();
  }
  return ready();
}

}  // namespace

ThreadPool::ThreadPool(int threads) {
  IFM_CHECK(threads > 0);
  for (int i = 1; i < threads; ++i) workers_.emplace_back([this, i] { work(i); });
}

ThreadPool::~ThreadPool() {
  ending_.store(true, std::memory_order_relaxed);
  epoch_.fetch_add(1, std::memory_order_release);
  epoch_.notify_all();
  for (std::thread& worker : workers_) worker.join();
}

void ThreadPool::work(int thread) {
  uint32_t seen = 0;
  while (true) {
    if (!spin([&] { return epoch_.load(std::memory_order_acquire) != seen; })) epoch_.wait(seen, std::memory_order_acquire);
    seen = epoch_.load(std::memory_order_acquire);
    if (ending_.load(std::memory_order_relaxed)) return;
    take_pieces(thread, seen);
  }
}

void ThreadPool::take_pieces(int thread, uint32_t epoch) {
  uint64_t ticket = ticket_.load(std::memory_order_acquire);
  while (true) {
    const uint64_t next = ticket & 0xFFFF;
    if (static_cast<uint32_t>(ticket >> 32) != epoch || next >= (ticket >> 16 & 0xFFFF)) return;
    if (!ticket_.compare_exchange_weak(ticket, ticket + 1, std::memory_order_acq_rel, std::memory_order_acquire)) continue;
    // The job cannot end before this piece is done, so its function is there.
    (*piece_.load(std::memory_order_relaxed))(thread, static_cast<int64_t>(next));
    if (left_.fetch_sub(1, std::memory_order_acq_rel) == 1) left_.notify_one();
    ticket = ticket_.load(std::memory_order_acquire);
  }
}

void ThreadPool::hand_out(int64_t pieces, const std::function<void(int, int64_t)>& piece) {
  if (workers_.empty() || pieces == 1) {
    for (int64_t i = 0; i < pieces; ++i) piece(0, i);
    return;
  }
  const uint32_t epoch = epoch_.load(std::memory_order_relaxed) + 1;
  piece_.store(&piece, std::memory_order_relaxed);
  left_.store(static_cast<int32_t>(pieces), std::memory_order_relaxed);
  ticket_.store(static_cast<uint64_t>(epoch) << 32 | static_cast<uint64_t>(pieces) << 16, std::memory_order_release);
  epoch_.store(epoch, std::memory_order_release);
  epoch_.notify_all();
  take_pieces(0, epoch);
  while (!spin([&] { return left_.load(std::memory_order_acquire) == 0; })) {
    const int32_t left = left_.load(std::memory_order_acquire);
    if (left != 0) left_.wait(left, std::memory_order_acquire);
  }
}

void ThreadPool::run(const std::function<void(int)>& task) {
  hand_out(size(), [&](int, int64_t i) { task(static_cast<int>(i)); });
}

void ThreadPool::for_chunks(int64_t count, int64_t chunk, const Body& body) {
  if (count <= 0) return;
  const int64_t most = std::numeric_limits<int16_t>::max();
  while ((count + chunk - 1) / chunk > most) chunk *= 2;
  hand_out((count + chunk - 1) / chunk,
           [&](int thread, int64_t i) { body(thread, i * chunk, std::min(count, (i + 1) * chunk)); });
}

void ThreadPool::for_parts(int64_t count, int64_t grain, const Body& body) {
  if (count <= 0) return;
  const int64_t grains = (count + grain - 1) / grain;
  const int64_t parts = std::min<int64_t>(grains, size());
  hand_out(parts, [&](int thread, int64_t i) {
    body(thread, std::min(count, grains * i / parts * grain), std::min(count, grains * (i + 1) / parts * grain));
  });
}

void ThreadPool::for_shrinking(int64_t count, int64_t grain, const Body& body) {
  // Of 0.5, 0.8 and 0.9 of an equal part of what is left, 0.8 was fastest on two threads.
  const int64_t fifths = int64_t{5} * size();
  std::vector<int64_t> borders{0};
  while (borders.back() < count) {
    const int64_t left = count - borders.back();
    const int64_t chunk = std::max(4 * left / fifths / grain * grain, grain);
    borders.push_back(borders.back() + std::min(chunk, left));
  }
  hand_out(static_cast<int64_t>(borders.size()) - 1, [&](int thread, int64_t i) {
    body(thread, borders[static_cast<std::size_t>(i)], borders[static_cast<std::size_t>(i + 1)]);
  });
}

}  // namespace ifm
