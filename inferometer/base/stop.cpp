#include "inferometer/base/stop.h"

#include <algorithm>
#include <utility>

namespace ifm {

void StopState::request() {
  if (requested_.exchange(true, std::memory_order_acq_rel)) return;
  const std::lock_guard lock(mutex_);
  for (const std::function<void()>* callback : callbacks_) (*callback)();
  callbacks_.clear();
}

void StopState::add(const std::function<void()>* callback) {
  const std::lock_guard lock(mutex_);
  if (requested()) {
    (*callback)();
  } else {
    callbacks_.push_back(callback);
  }
}

void StopState::remove(const std::function<void()>* callback) {
  const std::lock_guard lock(mutex_);
  std::erase(callbacks_, callback);
}

StopCallback::StopCallback(const StopToken& token, std::function<void()> callback)
    : state_(token.state_), callback_(std::move(callback)) {
  if (state_ != nullptr) state_->add(&callback_);
}

StopCallback::~StopCallback() {
  if (state_ != nullptr) state_->remove(&callback_);
}

}  // namespace ifm
