// What a network keeps its numbers in.
#pragma once

#include "engine/backend/context.h"
#include "engine/tensor/weight_format.h"

namespace imagined::engine {

struct NumberFormat {
  WeightFormat weights = WeightFormat::f32;  // what the packed panels hold
  DType activations = DType::f32;  // what rows are rounded to before they go into a product
  /// The same of the products inside a transformer's blocks, of which nearly all its work consists.
  /// Others need more: the first and the last of a network, embeddings, modulation, text encoders.
  WeightFormat block_weights = WeightFormat::f32;

  /// Everything in f32: what golden runs are compared with.
  static NumberFormat exact() { return {}; }

  /// Weights in bf16. Rows in bf16 too where the machine multiplies bf16; elsewhere the panels are
  /// widened inside the kernel and rounding the rows would cost accuracy for nothing.
  static NumberFormat fast(const CpuFeatures& cpu) {
    return {.weights = WeightFormat::bf16,
            .activations = cpu.avx512_bf16 ? DType::bf16 : DType::f32,
            .block_weights = WeightFormat::bf16};
  }

  /// The same, with both sides of the blocks' products in whole numbers of eight bits.
  static NumberFormat faster(const CpuFeatures& cpu) {
    NumberFormat format = fast(cpu);
    format.block_weights = WeightFormat::int8;
    return format;
  }
};

}  // namespace imagined::engine
