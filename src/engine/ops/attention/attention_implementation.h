// What an implementation of attention offers.
#pragma once

#include <algorithm>
#include <span>
#include <string_view>

#include "engine/ops/attention/attention.h"

namespace imagined::engine {

struct AttentionImplementation {
  std::string_view name;
  bool (*runs_on)(const CpuFeatures& cpu, DType dtype);
  void (*run)(const Context& context, ConstMatrixView q, ConstMatrixView k, ConstMatrixView v,
              const AttentionOptions& options, MatrixView out);
};

/// How many keys query `row` sees, of `keys` in all.
inline std::int64_t visible_keys(const AttentionOptions& options, std::int64_t row,
                                 std::int64_t keys) {
  const std::int64_t real = std::min(options.key_count, keys);
  return options.causal ? std::min(row + 1, real) : real;
}

/// Those in register tiles, best first, then the one of last resort, built on the slow twin.
std::span<const AttentionImplementation> attention_implementations();

extern const AttentionImplementation kAttentionReference;

}  // namespace imagined::engine
