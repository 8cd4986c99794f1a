// What an implementation of the product offers.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "engine/ops/matmul/matmul.h"

namespace imagined::engine {

struct MatmulImplementation {
  std::string_view name;
  bool (*runs_on)(const CpuFeatures& cpu, WeightFormat format);
  /// Rows [n, k] of parts in the order that `run` reads them.
  Tensor (*pack)(const Context& context, std::int64_t n, std::int64_t k,
                 std::span<const StoredRows> parts, WeightFormat format);
  /// The same for what stands at a weight's side, [n, padded_rank].
  Tensor (*pack_side)(const Context& context, std::int64_t n, std::int64_t k,
                      std::span<const StoredRows> parts);
  /// side  [m, r] f32: x . down, where the weight has a side.
  void (*run)(const Context& context, ConstMatrixView x, ConstMatrixView side,
              const MatmulWeight& w, MatrixView out, const MatmulEpilogue& epilogue);
};

struct MatmulWeight::Layout {
  const MatmulImplementation* implementation = nullptr;
  WeightFormat format = WeightFormat::f32;
  std::vector<StoredRows> parts;      // none once they are packed
  std::shared_ptr<const void> owner;  // of their bytes
  Tensor panels;                      // empty where the parts are read in place
  bool packed() const { return !panels.empty(); }
};

struct MatmulWeight::Side {
  MatmulWeight down;      // [r, k]
  Tensor up;              // panels of [n, padded_rank]
  std::int64_t rank = 0;  // r
  /// Zeros are added so that tiles of any height multiply it in whole instructions.
  std::int64_t padded_rank() const { return (rank + kRankUnit - 1) / kRankUnit * kRankUnit; }
  static constexpr std::int64_t kRankUnit = 32;
};

/// Those in register tiles, best first, then the one of last resort, built on the slow twin.
std::span<const MatmulImplementation> matmul_implementations();

extern const MatmulImplementation kMatmulReference;

}  // namespace imagined::engine
