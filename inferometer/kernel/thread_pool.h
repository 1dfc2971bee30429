#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <thread>
#include <vector>

namespace ifm {

/// Threads that wait for the next piece of a forward pass: they spin for some microseconds, then sleep. Work is handed out piece
/// by piece to the threads that are there, so a thread that the system has taken away is waited for only if it holds a piece:
/// with busy neighbours the speed falls in proportion. The caller is thread 0. One caller at a time.
class ThreadPool {  // NOLINT(clang-analyzer-optin.performance.Padding): a cache line for each flag
 public:
  /// body(thread, begin, end)
  using Body = std::function<void(int, int64_t, int64_t)>;

  /// threads > 0.
  explicit ThreadPool(int threads);
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;
  ~ThreadPool();

  [[nodiscard]] int size() const { return static_cast<int>(workers_.size()) + 1; }

  /// Calls task(0) … task(size() - 1), each once and as a rule each on a thread of its own; returns when all are done.
  void run(const std::function<void(int)>& task);

  /// Calls body for chunks of [0, count), `chunk` items each (more where there would be more than 2^15 chunks), handed out as
  /// threads become free, and returns when all are done; body must not throw. Which thread takes which chunk is not defined.
  void for_chunks(int64_t count, int64_t chunk, const Body& body);

  /// As for_chunks, with one contiguous part per thread whose borders are multiples of `grain`.
  void for_parts(int64_t count, int64_t grain, const Body& body);

  /// As for_chunks, with chunks that shrink: the first one is most of a thread's part, the last ones are `grain` items. For
  /// streams through memory, which long chunks keep going and short ones let end together.
  void for_shrinking(int64_t count, int64_t grain, const Body& body);

 private:
  /// What is handed out: `pieces` calls of piece(thread, index).
  void hand_out(int64_t pieces, const std::function<void(int, int64_t)>& piece);
  void work(int thread);
  /// Takes pieces of job `epoch` until there are no more.
  void take_pieces(int thread, uint32_t epoch);

  std::vector<std::thread> workers_;
  std::atomic<const std::function<void(int, int64_t)>*> piece_{nullptr};  // of the present job; valid while a piece of it is out
  alignas(64) std::atomic<uint64_t> ticket_{0};  // job's number (32 bits), pieces (16), the next one to take (16)
  alignas(64) std::atomic<uint32_t> epoch_{0};   // the job's number again, to sleep on
  alignas(64) std::atomic<int32_t> left_{0};     // pieces that are not done
  alignas(64) std::atomic<bool> ending_{false};
};

}  // namespace ifm
