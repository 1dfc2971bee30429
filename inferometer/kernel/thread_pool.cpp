#include "inferometer/kernel/thread_pool.h"

#include <algorithm>

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
  round_.fetch_add(1, std::memory_order_release);
  round_.notify_all();
  for (std::thread& worker : workers_) worker.join();
}

void ThreadPool::work(int thread) {
  uint32_t seen = 0;
  while (true) {
    if (!spin([&] { return round_.load(std::memory_order_acquire) != seen; })) round_.wait(seen, std::memory_order_acquire);
    seen = round_.load(std::memory_order_acquire);
    if (ending_.load(std::memory_order_relaxed)) return;
    (*task_)(thread);
    if (running_.fetch_sub(1, std::memory_order_acq_rel) == 1) running_.notify_one();
  }
}

void ThreadPool::run(const std::function<void(int)>& task) {
  if (workers_.empty()) {
    task(0);
    return;
  }
  task_ = &task;
  running_.store(static_cast<int>(workers_.size()), std::memory_order_relaxed);
  round_.fetch_add(1, std::memory_order_release);
  round_.notify_all();
  task(0);
  while (!spin([&] { return running_.load(std::memory_order_acquire) == 0; })) {
    const int left = running_.load(std::memory_order_acquire);
    if (left != 0) running_.wait(left, std::memory_order_acquire);
  }
}

void ThreadPool::for_chunks(int64_t count, int64_t chunk, const std::function<void(int, int64_t, int64_t)>& body) {
  if (count <= chunk) {
    if (count > 0) body(0, 0, count);
    return;
  }
  std::atomic<int64_t> next{0};
  run([&](int thread) {
    while (true) {
      const int64_t begin = next.fetch_add(chunk, std::memory_order_relaxed);
      if (begin >= count) return;
      body(thread, begin, std::min(begin + chunk, count));
    }
  });
}

void ThreadPool::for_parts(int64_t count, int64_t grain, const std::function<void(int, int64_t, int64_t)>& body) {
  const int64_t grains = (count + grain - 1) / grain;
  if (grains <= 1) {
    if (count > 0) body(0, 0, count);
    return;
  }
  run([&](int thread) {
    const int64_t begin = std::min(count, grains * thread / size() * grain);
    const int64_t end = std::min(count, grains * (thread + 1) / size() * grain);
    if (begin < end) body(thread, begin, end);
  });
}

}  // namespace ifm
