// The vector part of attention between its two products. Plain types only, as in tile.h.
#pragma once

#include <cstdint>

namespace imagined::engine {

/// One query's weights for one block of keys, in the running form of softmax: scores become
/// 2^(score * scale - maximum), with the maximum of all blocks so far.
struct SoftmaxArgs {
  float* scores = nullptr;  // [count], replaced by the weights; readable and writable up to the
                            // next whole vector
  std::int64_t count = 0;   // keys that this query sees, >= 1
  float scale = 0;          // > 0; includes log2(e)
  float maximum = 0;        // in, out: of score * scale; -infinity before the first block
  float sum = 0;            // in, out: of the weights, relative to `maximum`
  float correction = 0;     // out: what earlier sums of values must be multiplied by
};

struct SoftmaxKernel {
  void (*weigh)(SoftmaxArgs& args) = nullptr;
  /// values[0 .. count) *= factor
  void (*multiply)(float* values, std::int64_t count, float factor) = nullptr;
  /// values[i] += factor * summands[i]
  void (*add_scaled)(float* values, const float* summands, std::int64_t count,
                     float factor) = nullptr;
};

extern const SoftmaxKernel kSoftmaxAvx2;
extern const SoftmaxKernel kSoftmaxAvx512;

}  // namespace imagined::engine
