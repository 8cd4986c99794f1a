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
  /// Rows of the layout's parts in the order that `run` reads them, into its panels.
  void (*pack)(const Context& context, std::int64_t n, std::int64_t k,
               MatmulWeight::Layout& layout);
  void (*run)(const Context& context, ConstMatrixView x, const MatmulWeight& w, MatrixView out,
              const MatmulEpilogue& epilogue);
};

struct MatmulWeight::Layout {
  const MatmulImplementation* implementation = nullptr;
  WeightFormat format = WeightFormat::f32;
  std::vector<StoredRows> parts;      // none once they are packed
  std::shared_ptr<const void> owner;  // of their bytes
  Tensor panels;                      // empty where the parts are read in place
  bool packed() const { return !panels.empty(); }
};

/// Those in register tiles, best first, then the one of last resort, built on the slow twin.
std::span<const MatmulImplementation> matmul_implementations();

extern const MatmulImplementation kMatmulReference;

}  // namespace imagined::engine
