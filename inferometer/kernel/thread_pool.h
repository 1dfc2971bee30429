#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

namespace ifm {

/// Threads that wait for the next piece of a forward pass: they spin for some microseconds, then sleep.
/// The caller is thread 0. One caller at a time.
class ThreadPool {  // NOLINT(clang-analyzer-optin.performance.Padding): a cache line for each flag
 public:
  /// threads > 0.
  explicit ThreadPool(int threads);
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;
  ~ThreadPool();

  [[nodiscard]] int size() const { return static_cast<int>(workers_.size()) + 1; }

  /// Calls task(thread) once on every thread and returns when all are done; task must not throw.
  void run(const std::function<void(int)>& task);

  /// Calls body(thread, begin, end) for chunks of [0, count), handed out as threads become free. Which thread takes which chunk
  /// is not defined, what the chunks are is: `chunk` items each. A single chunk runs on the caller, as does a single part.
  void for_chunks(int64_t count, int64_t chunk, const std::function<void(int, int64_t, int64_t)>& body);

  /// As for_chunks, with one contiguous part per thread whose borders are multiples of `grain`.
  void for_parts(int64_t count, int64_t grain, const std::function<void(int, int64_t, int64_t)>& body);

 private:
  void work(int thread);
  std::vector<std::thread> workers_;
  const std::function<void(int)>* task_ = nullptr;
  alignas(64) std::atomic<uint32_t> round_{0};
  alignas(64) std::atomic<int> running_{0};
  alignas(64) std::atomic<bool> ending_{false};
};

}  // namespace ifm
