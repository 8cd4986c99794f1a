// What every operation is handed: threads, working memory, and which implementation to take.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "engine/backend/cpu/features.h"
#include "engine/backend/cpu/scratch.h"
#include "engine/backend/cpu/thread_pool.h"
#include "engine/tensor/matrix.h"

namespace imagined::engine {

struct ContextOptions {
  int threads = 0;  // 0: all cores
  /// Names one implementation per operation ("matmul=reference,attention=avx2"), for tests and
  /// benchmarks; empty takes the best that the machine runs.
  std::string implementations;
};

class Context {
 public:
  explicit Context(const ContextOptions& options = {});

  ThreadPool& pool() const { return *pool_; }
  const CpuFeatures& cpu() const { return cpu_; }
  /// Working memory of the operation that is running: one operation at a time, and those that use
  /// it are not called from inside a task.
  Scratch& scratch() const { return *scratch_; }
  /// The implementation asked for by name, or empty.
  std::string_view implementation(std::string_view operation) const;

 private:
  CpuFeatures cpu_;
  std::unique_ptr<ThreadPool> pool_;
  std::unique_ptr<Scratch> scratch_;
  std::string implementations_;
};

}  // namespace imagined::engine
