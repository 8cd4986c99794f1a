// What an implementation of the product offers; the ordered list is in matmul.cpp.
#pragma once

#include <string_view>

#include "engine/ops/matmul/matmul.h"

namespace imagined::engine {

struct MatmulImplementation {
  std::string_view name;
  bool (*runs_on)(const CpuFeatures& cpu, DType stored);
  /// Rows of `parts`, one below the other, in the order that `run` reads them.
  Tensor (*pack)(const Context& context, std::span<const ConstMatrixView> parts, std::int64_t n,
                 std::int64_t k, DType stored);
  void (*run)(const Context& context, ConstMatrixView x, const PackedWeight& w, MatrixView out,
              const MatmulEpilogue& epilogue);
};

struct PackedWeight::Layout {
  const MatmulImplementation* implementation = nullptr;
  DType stored = DType::f32;
  Tensor panels;
};

extern const MatmulImplementation kMatmulAvx512Bf16;
extern const MatmulImplementation kMatmulAvx512;
extern const MatmulImplementation kMatmulAvx2;
extern const MatmulImplementation kMatmulReference;

}  // namespace imagined::engine
