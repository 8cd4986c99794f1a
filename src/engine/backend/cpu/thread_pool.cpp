#include "engine/backend/cpu/thread_pool.h"

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "base/check.h"
#include "engine/backend/cpu/features.h"

namespace imagined::engine {
namespace {

// `gate` is the whole protocol between caller and workers: bit 31 says that a call is open, the
// rest counts the workers inside. A worker enters only an open gate, so one that the system has
// not scheduled yet is not waited for; the caller returns when it has closed a gate with nobody in.
constexpr std::uint32_t kOpen = 0x80000000u;

// About 50 microseconds: longer than the pause between two operations of a network, far shorter
// than a pause that a person or another process would notice.
constexpr int kSpins = 3000;

inline void relax() { __builtin_ia32_pause(); }

}  // namespace

struct ThreadPool::State {
  std::mutex caller;  // one call at a time
  alignas(64) std::atomic<std::uint32_t> gate{0};
  alignas(64) std::atomic<std::uint32_t> round{0};  // sleeping workers wait for it to change
  alignas(64) std::atomic<std::int64_t> next{0};    // first index nobody has taken
  alignas(64) std::atomic<bool> stop{false};
  std::int64_t count = 0;  // of the open call; written while the gate is closed
  std::int64_t grain = 1;
  Call call = nullptr;
  const void* context = nullptr;
  std::atomic<bool> failed{false};  // whether `failure` is taken; both of the open call
  std::exception_ptr failure;
  std::vector<std::thread> workers;

  void work(int thread) noexcept;
  void rethrow_failure();
  void worker_loop(int thread);
  bool enter();
};

namespace {
// Which pool's task this thread is running, so that a nested call runs in place.
struct Inside {
  const void* pool = nullptr;
  int thread = 0;
};
thread_local Inside inside;
}  // namespace

void ThreadPool::State::work(int thread) noexcept {
  const Inside before = inside;
  inside = {this, thread};
  try {
    for (;;) {
      const std::int64_t begin = next.fetch_add(grain, std::memory_order_relaxed);
      if (begin >= count) break;
      call(context, begin, std::min(begin + grain, count), thread);
    }
  } catch (...) {
    next.store(count, std::memory_order_relaxed);
    if (!failed.exchange(true, std::memory_order_relaxed)) failure = std::current_exception();
  }
  inside = before;
}

/// Behind the end of a call: the gate is closed and nobody in.
void ThreadPool::State::rethrow_failure() {
  if (!failed.load(std::memory_order_relaxed)) return;
  failed.store(false, std::memory_order_relaxed);
  std::rethrow_exception(std::exchange(failure, nullptr));
}

bool ThreadPool::State::enter() {
  std::uint32_t seen = gate.load(std::memory_order_relaxed);
  while ((seen & kOpen) != 0) {
    if (gate.compare_exchange_weak(seen, seen + 1, std::memory_order_acquire)) return true;
  }
  return false;
}

void ThreadPool::State::worker_loop(int thread) {
  std::uint32_t seen = 0;
  for (;;) {
    for (int spin = 0; spin < kSpins && round.load(std::memory_order_acquire) == seen; ++spin) {
      relax();
    }
    round.wait(seen, std::memory_order_acquire);
    seen = round.load(std::memory_order_acquire);
    if (stop.load(std::memory_order_acquire)) return;
    if (!enter()) continue;
    work(thread);
    if (gate.fetch_sub(1, std::memory_order_release) == 1) gate.notify_one();
  }
}

ThreadPool::ThreadPool(int threads) : state_(std::make_unique<State>()) {
  CHECK(threads >= 0, "thread pool of {} threads", threads);
  if (threads == 0) threads = CpuFeatures::detect().cores;
  for (int thread = 1; thread < threads; ++thread) {
    state_->workers.emplace_back([state = state_.get(), thread] { state->worker_loop(thread); });
  }
}

ThreadPool::~ThreadPool() {
  state_->stop.store(true, std::memory_order_release);
  state_->round.fetch_add(1, std::memory_order_release);
  state_->round.notify_all();
  for (std::thread& worker : state_->workers) worker.join();
}

int ThreadPool::threads() const { return static_cast<int>(state_->workers.size()) + 1; }

bool ThreadPool::inside_task() const { return inside.pool == state_.get(); }

void ThreadPool::run(std::int64_t count, std::int64_t grain, Call call, const void* context) {
  CHECK(count >= 0 && grain >= 1, "parallel_for over {} by {}", count, grain);
  State& state = *state_;
  if (inside_task()) {
    for (std::int64_t begin = 0; begin < count; begin += grain) {
      call(context, begin, std::min(begin + grain, count), inside.thread);
    }
    return;
  }
  const std::lock_guard lock(state.caller);
  state.count = count;
  state.grain = grain;
  state.call = call;
  state.context = context;
  state.next.store(0, std::memory_order_relaxed);
  if (state.workers.empty() || count <= grain) {
    state.work(0);
    return state.rethrow_failure();
  }

  state.gate.store(kOpen, std::memory_order_release);
  state.round.fetch_add(1, std::memory_order_release);
  state.round.notify_all();
  state.work(0);

  // Nothing is left to take: close, then wait for those inside.
  std::uint32_t left = state.gate.fetch_and(~kOpen, std::memory_order_acq_rel) & ~kOpen;
  for (int spin = 0; spin < kSpins && left != 0; ++spin) {
    relax();
    left = state.gate.load(std::memory_order_acquire);
  }
  while (left != 0) {
    state.gate.wait(left, std::memory_order_acquire);
    left = state.gate.load(std::memory_order_acquire);
  }
  state.rethrow_failure();
}

}  // namespace imagined::engine
