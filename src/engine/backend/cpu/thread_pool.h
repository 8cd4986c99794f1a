// The engine's compute threads: one pool per engine, handed down in the Context.
#pragma once

#include <cstdint>
#include <memory>

namespace imagined::engine {

/// Fixed threads without queue or futures: the caller works too, workers spin briefly between
/// calls, then sleep. One caller at a time; a call from inside a task runs in place.
class ThreadPool {
 public:
  /// `threads` counts the caller; 0 takes the number of cores this process may use.
  explicit ThreadPool(int threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int threads() const;

  /// Whether the calling thread is running a task of this pool.
  bool inside_task() const;

  /// Runs `task(begin, end, thread)` over [0, count) in pieces of at most `grain`; returns when all
  /// are done. Which thread gets which piece varies, so a piece's result must not depend on it.
  /// A task may throw (std::bad_alloc): pieces that nobody has begun are left out, and the first
  /// exception comes out of this call when no thread is in a task any more.
  template <class Task>
  void parallel_for(std::int64_t count, std::int64_t grain, const Task& task) {
    run(
        count, grain,
        [](const void* context, std::int64_t begin, std::int64_t end, int thread) {
          (*static_cast<const Task*>(context))(begin, end, thread);
        },
        &task);
  }

 private:
  using Call = void (*)(const void* context, std::int64_t begin, std::int64_t end, int thread);
  void run(std::int64_t count, std::int64_t grain, Call call, const void* context);

  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace imagined::engine
