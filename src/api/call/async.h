// How a handler waits without blocking the event loop. All coroutines run on the one thread of the
// loop; only the work given to `on_pool` runs elsewhere.
#pragma once

#include <atomic>
#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <type_traits>
#include <utility>

namespace imagined::api {

template <class T>
using Async = boost::asio::awaitable<T>;

/// The threads for calls that block (SQL, disk). What waits for one of them is bounded by the
/// number of connections, each of which has at most one call under way.
class Pool {
 public:
  explicit Pool(int threads);
  ~Pool();
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  /// Runs `work` on a thread of the pool; the coroutine goes on when it has returned, on the loop.
  /// `work` may refer to locals of the coroutine, for these outlive it. What it throws is thrown
  /// here, for the net of the request (server.cpp).
  Async<void> run(std::function<void()> work);

  /// Starts `work` and does not wait for it. `work` must own what it uses; what it throws is
  /// logged.
  void start(std::function<void()> work);

  /// Starts `work` as soon as the calling coroutine waits: waking a thread takes as long as an
  /// answer, which is sent first.
  Async<void> start_soon(std::function<void()> work);

  /// Work that is given and has not ended.
  std::int64_t calls() const { return calls_; }

  /// Waits until all work given so far has ended. New work is no longer taken.
  void join();

 private:
  struct Threads;
  std::unique_ptr<Threads> threads_;
  std::atomic<std::int64_t> calls_ = 0;
};

/// The value of `work()`, computed on the pool.
template <class F>
Async<std::invoke_result_t<F>> on_pool(Pool& pool, F work) {
  std::optional<std::invoke_result_t<F>> result;
  co_await pool.run([&] { result.emplace(work()); });
  co_return std::move(*result);
}

/// An event that any thread may raise and one coroutine waits for.
class Signal {
 public:
  Signal();

  /// Wakes the waiting coroutine, or lets the next wait return at once. Any thread, any time.
  void raise();

  /// Returns when raised, when `limit` has passed, or when `stop` is requested; never throws.
  /// Must be called on the loop, by one coroutine at a time.
  Async<void> wait(std::chrono::milliseconds limit, std::stop_token stop);

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace imagined::api
