#pragma once

#include <functional>
#include <mutex>
#include <utility>

namespace imagined {

/// A callback that can be ended: after `end` has returned it neither runs nor will run, unless
/// `end` was called from within it. Thread-safe; of several calls one runs at a time.
template <class... Args>
class Listener {
 public:
  using Callback = std::function<void(const Args&...)>;

  /// An empty callback is a listener that hears nothing.
  explicit Listener(Callback callback) : callback_(std::move(callback)) {}

  void call(const Args&... args) {
    const std::lock_guard running(mutex_);
    if (listening_ && callback_) callback_(args...);
  }

  void end() {
    const std::lock_guard running(mutex_);
    listening_ = false;
  }

 private:
  std::recursive_mutex mutex_;  // held while the callback runs, which may end itself
  bool listening_ = true;
  Callback callback_;
};

}  // namespace imagined
