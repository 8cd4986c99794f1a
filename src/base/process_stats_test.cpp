#include "base/process_stats.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <ctime>
#include <thread>

namespace imagined {
namespace {

TEST(ProcessStats, CountsFilesAndThreadsThatAreThere) {
  const ProcessStats before = process_stats();
  const int copy = ::dup(STDERR_FILENO);
  ASSERT_GE(copy, 0);
  EXPECT_EQ(process_stats().open_files, before.open_files + 1);
  ::close(copy);
  std::int64_t threads = 0;
  std::jthread([&] { threads = process_stats().threads; }).join();
  EXPECT_EQ(threads, before.threads + 1);
}

TEST(ProcessStats, KnowsWhatTheProcessHolds) {
  const ProcessStats stats = process_stats();
  EXPECT_GT(stats.resident_bytes, 1 << 20);
  EXPECT_GT(stats.virtual_bytes, stats.resident_bytes);
  EXPECT_GE(stats.open_files_max, stats.open_files);
  const auto now = static_cast<double>(std::time(nullptr));
  EXPECT_LE(stats.started_unix_s, now + 1);
  EXPECT_GT(stats.started_unix_s, now - 24 * 3600);
}

TEST(ProcessStats, CpuTimeOnlyGrows) {
  const double before = process_stats().cpu_s;
  while (process_stats().cpu_s == before) {
  }
  EXPECT_GT(process_stats().cpu_s, before);
}

}  // namespace
}  // namespace imagined
