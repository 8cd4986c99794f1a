// Working memory of the operations, kept between calls so that a step allocates nothing.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

namespace imagined::engine {

/// One buffer that all threads of a call share and one per thread; each grows to the largest size
/// ever asked for and stays. A buffer is valid until the next request for the same one, so an
/// operation asks once per call and never calls another operation while it holds one.
class Scratch {
 public:
  explicit Scratch(int threads);
  ~Scratch();
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;

  /// At least `size_bytes` bytes, aligned to a cache line, uninitialised. From outside of tasks.
  std::byte* shared(std::size_t size_bytes);
  /// The same for the thread with this number; call it from that thread's task.
  std::byte* local(int thread, std::size_t size_bytes);

 private:
  struct Buffer;
  std::vector<std::unique_ptr<Buffer>> buffers_;  // [0] is shared, [1 + thread] the others
};

}  // namespace imagined::engine
