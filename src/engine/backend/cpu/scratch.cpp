#include "engine/backend/cpu/scratch.h"

#include "base/check.h"
#include "engine/tensor/matrix.h"

namespace imagined::engine {

struct Scratch::Buffer {
  Tensor bytes;
  std::byte* reserve(std::size_t size_bytes) {
    const auto wanted = static_cast<std::int64_t>(size_bytes);
    if (bytes.cols() < wanted) {
      bytes = Tensor();  // freed first, so that the peak is one buffer
      bytes = Tensor(1, wanted, DType::u8);
    }
    return static_cast<std::byte*>(bytes.view().data);
  }
};

Scratch::Scratch(int threads) {
  CHECK(threads >= 1, "scratch for {} threads", threads);
  for (int i = 0; i <= threads; ++i) buffers_.push_back(std::make_unique<Buffer>());
}

Scratch::~Scratch() = default;

std::byte* Scratch::shared(std::size_t size_bytes) { return buffers_[0]->reserve(size_bytes); }

std::byte* Scratch::local(int thread, std::size_t size_bytes) {
  const auto index = static_cast<std::size_t>(thread) + 1;
  CHECK(thread >= 0 && index < buffers_.size(), "scratch of thread {}", thread);
  return buffers_[index]->reserve(size_bytes);
}

}  // namespace imagined::engine
