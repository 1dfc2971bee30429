#pragma once

#include <cstdint>

namespace ifm {

/// A monotonic clock that is handed in, so that tests can run on a virtual one.
class Clock {
 public:
  virtual ~Clock() = default;
  /// Nanoseconds since an arbitrary but fixed moment; never goes back.
  [[nodiscard]] virtual int64_t now_ns() = 0;
  /// Returns once now_ns() >= deadline_ns.
  virtual void wait_until(int64_t deadline_ns) = 0;
};

/// std::chrono::steady_clock. Thread-safe.
class SteadyClock final : public Clock {
 public:
  [[nodiscard]] int64_t now_ns() override;
  void wait_until(int64_t deadline_ns) override;
};

/// A clock that moves only when told: wait_until jumps to the deadline. Not thread-safe.
class VirtualClock final : public Clock {
 public:
  [[nodiscard]] int64_t now_ns() override { return now_ns_; }
  void wait_until(int64_t deadline_ns) override {
    if (deadline_ns > now_ns_) now_ns_ = deadline_ns;
  }
  void advance_ns(int64_t by_ns) { now_ns_ += by_ns; }

 private:
  int64_t now_ns_ = 0;
};

}  // namespace ifm
