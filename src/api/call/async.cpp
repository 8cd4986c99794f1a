#include "api/call/async.h"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <exception>
#include <memory>
#include <mutex>
#include <new>
#include <thread>

#include "base/log.h"

namespace imagined::api {
namespace asio = boost::asio;

struct Pool::Threads {
  explicit Threads(std::size_t count) : pool(count) {}
  asio::thread_pool pool;
};

Pool::Pool(int threads) : threads_(std::make_unique<Threads>(static_cast<std::size_t>(threads))) {}

Pool::~Pool() { join(); }

namespace {

/// Somebody waits for it: without memory it is tried until there is some.
template <class Resume>
void post_surely(const asio::any_io_executor& loop, Resume resume) {
  while (true) {
    try {
      return asio::post(loop, resume);
    } catch (const std::bad_alloc&) {
      std::this_thread::yield();
    }
  }
}

}  // namespace

Async<void> Pool::run(std::function<void()> work) {
  const auto loop = co_await asio::this_coro::executor;
  std::exception_ptr caught;
  ++calls_;
  co_await asio::async_initiate<const asio::use_awaitable_t<>, void()>(
      [&](auto handler) {
        using Handler = decltype(handler);
        const auto resume = std::make_shared<Handler>(std::move(handler));
        // The work guard keeps the loop running while its only coroutine is away.
        post_surely(threads_->pool.get_executor(), [this, work = std::move(work), resume, loop,
                                                    guard = asio::make_work_guard(loop), &caught] {
          try {
            work();
          } catch (...) {
            caught = std::current_exception();
          }
          --calls_;
          post_surely(loop, [resume] { (*resume)(); });
        });
      },
      asio::use_awaitable);
  if (caught) std::rethrow_exception(caught);
}

void Pool::start(std::function<void()> work) {
  ++calls_;
  asio::post(threads_->pool, [this, work = std::move(work)] {
    try {
      work();
    } catch (const std::exception& caught) {
      log(LogLevel::error, "background_work_failed", "reason={:?}", caught.what());
    }
    --calls_;
  });
}

Async<void> Pool::start_soon(std::function<void()> work) {
  const auto loop = co_await asio::this_coro::executor;
  asio::post(loop, [this, work = std::move(work)] { start(work); });
}

void Pool::join() { threads_->pool.join(); }

struct Signal::State : std::enable_shared_from_this<Signal::State> {
  std::mutex mutex;
  bool raised = false;
  asio::steady_timer* timer = nullptr;  // of the waiting coroutine; null when none waits

  void raise() {
    const std::lock_guard lock(mutex);
    raised = true;
    wake(lock);
  }
  void wake() {
    const std::lock_guard lock(mutex);
    wake(lock);
  }

 private:
  // An asio timer is not thread-safe: the loop's thread cancels it.
  void wake(const std::lock_guard<std::mutex>&) {
    if (timer == nullptr) return;
    post_surely(timer->get_executor(), [this, self = shared_from_this()] {
      const std::lock_guard lock(mutex);
      if (timer != nullptr) timer->cancel();
    });
  }
};

Signal::Signal() : state_(std::make_shared<State>()) {}

void Signal::raise() { state_->raise(); }

Async<void> Signal::wait(std::chrono::milliseconds limit, std::stop_token stop) {
  const auto state = state_;
  asio::steady_timer timer(co_await asio::this_coro::executor, limit);
  // Takes the timer back also when the loop is destroyed under the waiting coroutine.
  struct Registration {
    State& state;
    Registration(State& s, asio::steady_timer& t) : state(s) {
      const std::lock_guard lock(state.mutex);
      state.timer = &t;
    }
    ~Registration() {
      const std::lock_guard lock(state.mutex);
      state.timer = nullptr;
      state.raised = false;
    }
    bool already_raised() {
      const std::lock_guard lock(state.mutex);
      return state.raised;
    }
  } registration(*state, timer);
  const std::stop_callback wake_on_stop(stop, [state] { state->wake(); });
  // Looked at after the timer is in place, so that a raise from here on finds it.
  if (!registration.already_raised() && !stop.stop_requested()) {
    boost::system::error_code ignored;
    co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
  }
}

}  // namespace imagined::api
