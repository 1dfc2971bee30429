#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

namespace ifm {

/// What a StopSource, its tokens and its callbacks share. As the standard's <stop_token>, which Apple's library lacks.
class StopState {
 public:
  /// Once: runs the callbacks in this thread.
  void request();
  [[nodiscard]] bool requested() const { return requested_.load(std::memory_order_acquire); }
  void add(const std::function<void()>* callback);
  void remove(const std::function<void()>* callback);

 private:
  std::atomic<bool> requested_{false};
  std::mutex mutex_;
  std::vector<const std::function<void()>*> callbacks_;
};

/// Asks whether somebody wants an activity to end. Copies are cheap and thread-safe; a default one never does.
class StopToken {
 public:
  StopToken() = default;
  explicit StopToken(std::shared_ptr<StopState> state) : state_(std::move(state)) {}
  [[nodiscard]] bool stop_requested() const { return state_ != nullptr && state_->requested(); }

 private:
  friend class StopCallback;
  std::shared_ptr<StopState> state_;  // outlives the source
};

/// Wants an activity to end. Copies are the same source. Thread-safe.
class StopSource {
 public:
  void request_stop() const { state_->request(); }
  [[nodiscard]] bool stop_requested() const { return state_->requested(); }
  [[nodiscard]] StopToken get_token() const { return StopToken(state_); }

 private:
  std::shared_ptr<StopState> state_ = std::make_shared<StopState>();
};

/// Calls `callback` when a stop is requested, in the thread that requests it, or at once when it was. After the destructor it
/// does not run and is not running in another thread. It must not end itself.
class StopCallback {
 public:
  StopCallback(const StopToken& token, std::function<void()> callback);
  StopCallback(const StopCallback&) = delete;
  StopCallback& operator=(const StopCallback&) = delete;
  ~StopCallback();

 private:
  std::shared_ptr<StopState> state_;
  std::function<void()> callback_;
};

}  // namespace ifm
