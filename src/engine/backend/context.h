// What every operation is handed: the device, its threads, and which implementation to take.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "engine/backend/cpu/features.h"
#include "engine/backend/cpu/scratch.h"
#include "engine/backend/cpu/thread_pool.h"
#include "engine/tensor/matrix.h"

namespace imagined::engine {

#ifdef IMAGINED_HAS_CUDA
inline constexpr bool kHasCuda = true;
#else
inline constexpr bool kHasCuda = false;
#endif

struct ContextOptions {
  int threads = 0;  // 0: all cores
  Device device = Device::cpu;
  /// Names one implementation per operation ("matmul=reference,attention=avx2"), for tests and
  /// benchmarks; empty takes the best that the machine runs.
  std::string implementations;
};

class Context {
 public:
  explicit Context(const ContextOptions& options = {});

  Device device() const { return device_; }
  ThreadPool& pool() const { return *pool_; }
  const CpuFeatures& cpu() const { return cpu_; }
  /// Working memory of the operation that is running: one operation at a time, and those that use
  /// it are not called from inside a task.
  Scratch& scratch() const { return *scratch_; }
  /// The implementation asked for by name, or empty.
  std::string_view implementation(std::string_view operation) const;

 private:
  Device device_;
  CpuFeatures cpu_;
  std::unique_ptr<ThreadPool> pool_;
  std::unique_ptr<Scratch> scratch_;
  std::string implementations_;
};

/// Runs the device's branch. In a build without CUDA the second one is never compiled into a call,
/// so neither #ifdef nor stub is needed.
template <class Cpu, class Cuda>
void on_device(Device device, Cpu&& cpu, Cuda&& cuda) {
  if (device == Device::cpu) return cpu();
  if constexpr (kHasCuda) {
    cuda();
  } else {
    CHECK(false, "this build has no CUDA");
  }
}

}  // namespace imagined::engine
