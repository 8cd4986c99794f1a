// What an implementation of the product offers.
#pragma once

#include <span>
#include <string_view>

#include "engine/ops/matmul/matmul.h"

namespace imagined::engine {

struct MatmulImplementation {
  std::string_view name;
  bool (*runs_on)(const CpuFeatures& cpu, WeightFormat format);
  /// Rows of `parts`, one below the other, [n, k] in all, in the order that `run` reads them, into
  /// the layout's panels.
  void (*pack)(const Context& context, std::span<const StoredRows> parts, std::int64_t n,
               std::int64_t k, PackedWeight::Layout& layout);
  void (*run)(const Context& context, ConstMatrixView x, const PackedWeight& w, MatrixView out,
              const MatmulEpilogue& epilogue);
};

struct PackedWeight::Layout {
  const MatmulImplementation* implementation = nullptr;
  WeightFormat format = WeightFormat::f32;
  Tensor panels;
  bool all_finite = true;
};

/// Those in register tiles, best first, then the one of last resort, built on the slow twin.
std::span<const MatmulImplementation> matmul_implementations();

extern const MatmulImplementation kMatmulReference;

}  // namespace imagined::engine
