#include "engine/backend/cpu/thread_pool.h"

#include <gtest/gtest.h>

#include <atomic>
#include <stdexcept>
#include <thread>
#include <vector>

namespace imagined::engine {
namespace {

TEST(ThreadPool, RunsEveryIndexExactlyOnce) {
  for (const int threads : {1, 2, 5}) {
    ThreadPool pool(threads);
    for (const std::int64_t count : {0, 1, 2, 7, 64, 1000}) {
      for (const std::int64_t grain : {1, 3, 100}) {
        std::vector<std::atomic<int>> runs(static_cast<std::size_t>(count));
        pool.parallel_for(count, grain, [&](std::int64_t begin, std::int64_t end, int) {
          for (std::int64_t i = begin; i < end; ++i) ++runs[static_cast<std::size_t>(i)];
        });
        for (const auto& run : runs) ASSERT_EQ(run, 1) << count << " by " << grain;
      }
    }
  }
}

TEST(ThreadPool, CutsPiecesNoLargerThanTheGrain) {
  ThreadPool pool(2);
  std::atomic<bool> larger = false;
  pool.parallel_for(100, 7, [&](std::int64_t begin, std::int64_t end, int) {
    if (end - begin > 7 || end <= begin) larger = true;
  });
  EXPECT_FALSE(larger);
}

TEST(ThreadPool, NumbersItsThreadsAndNeverRunsTwoTasksUnderOneNumber) {
  ThreadPool pool(3);
  std::atomic<bool> busy[3] = {};
  std::atomic<bool> clash = false;
  for (int repeat = 0; repeat < 100; ++repeat) {
    pool.parallel_for(50, 1, [&](std::int64_t, std::int64_t, int thread) {
      if (thread < 0 || thread >= 3 || busy[thread].exchange(true)) clash = true;
      busy[thread] = false;
    });
  }
  EXPECT_FALSE(clash);
}

// Memory that the system refuses to one task must cost that call, not the process or the next call.
TEST(ThreadPool, HandsOnWhatATaskFailedWithAndRunsTheNextCall) {
  for (const int threads : {1, 3}) {
    ThreadPool pool(threads);
    for (const std::int64_t broken : {0, 37, 99}) {
      const auto task = [&](std::int64_t begin, std::int64_t, int) {
        if (begin == broken) std::vector<int>().at(0);
      };
      EXPECT_THROW(pool.parallel_for(100, 1, task), std::out_of_range) << broken;
      EXPECT_FALSE(pool.inside_task());
      std::atomic<int> runs = 0;
      pool.parallel_for(50, 1, [&](std::int64_t, std::int64_t, int) { ++runs; });
      EXPECT_EQ(runs, 50);
    }
  }
}

TEST(ThreadPool, RunsACallFromInsideATaskInPlace) {
  ThreadPool pool(3);
  std::atomic<int> elsewhere = 0;
  std::atomic<int> inner_runs = 0;
  pool.parallel_for(8, 1, [&](std::int64_t, std::int64_t, int outer) {
    const auto self = std::this_thread::get_id();
    pool.parallel_for(4, 1, [&](std::int64_t begin, std::int64_t end, int inner) {
      if (std::this_thread::get_id() != self || inner != outer) ++elsewhere;
      inner_runs += static_cast<int>(end - begin);
    });
  });
  EXPECT_EQ(elsewhere, 0);
  EXPECT_EQ(inner_runs, 32);
}

TEST(ThreadPool, ACallIntoAnotherPoolIsNotACallFromInside) {
  ThreadPool outer(2);
  ThreadPool inner(2);
  std::atomic<int> runs = 0;
  outer.parallel_for(1, 1, [&](std::int64_t, std::int64_t, int) {
    EXPECT_TRUE(outer.inside_task());
    EXPECT_FALSE(inner.inside_task());
    inner.parallel_for(10, 1, [&](std::int64_t, std::int64_t, int) { ++runs; });
  });
  EXPECT_EQ(runs, 10);
  EXPECT_FALSE(outer.inside_task());
}

TEST(ThreadPool, TakesCallersFromSeveralThreadsOneAfterTheOther) {
  ThreadPool pool(2);
  std::atomic<std::int64_t> sum = 0;
  std::vector<std::thread> callers;
  for (int caller = 0; caller < 4; ++caller) {
    callers.emplace_back([&] {
      for (int repeat = 0; repeat < 50; ++repeat) {
        pool.parallel_for(20, 3,
                          [&](std::int64_t begin, std::int64_t end, int) { sum += end - begin; });
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(sum, 4 * 50 * 20);
}

TEST(ThreadPool, SeesWhatTheCallerWroteBeforeAndShowsItWhatTheTasksWrote) {
  ThreadPool pool(2);
  std::vector<std::int64_t> values(64, 0);
  for (std::int64_t round = 1; round <= 200; ++round) {
    pool.parallel_for(64, 1, [&](std::int64_t begin, std::int64_t, int) {
      values[static_cast<std::size_t>(begin)] += round;
    });
  }
  for (const std::int64_t value : values) ASSERT_EQ(value, 200 * 201 / 2);
}

TEST(ThreadPool, ZeroThreadsMeansAllCoresOfThisProcess) {
  EXPECT_GE(ThreadPool(0).threads(), 1);
  EXPECT_EQ(ThreadPool(3).threads(), 3);
}

}  // namespace
}  // namespace imagined::engine
