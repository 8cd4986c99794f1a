// The encoder of T5 v1.1 or UMT5 as a text encoder: ids in, the last hidden states out.
#pragma once

#include <cstdint>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "base/result.h"
#include "engine/backend/context.h"
#include "engine/models/common/weight_loader.h"
#include "engine/models/t5/t5_config.h"
#include "engine/ops/matmul/matmul.h"

namespace imagined::engine {

/// The residual stream is f32 whatever the format: the MLP's output overflows f16 (flux.md 5.5).
/// Source: flux.md 5.5; Raffel et al. 2020; transformers, `modeling_t5.py`, `modeling_umt5.py`.
class T5 {
 public:
  /// The token embedding stays in the file. Errors: what WeightLoader says.
  static Result<T5> load(WeightLoader& weights, const T5Config& config);

  /// Features of one prompt.
  ///
  /// ids      [tokens], each below vocab_size (else `invalid_argument`). Padding is like any other
  ///          token: FLUX.1 was trained without a mask.
  /// returns  [tokens, hidden_size] f32.
  /// A stop request between two layers returns `cancelled`.
  Result<Tensor> encode(const Context& context, std::span<const std::int32_t> ids,
                        const std::stop_token& stop) const;

  std::int64_t feature_width() const { return config_.hidden_size; }
  std::int64_t layers() const { return static_cast<std::int64_t>(layers_.size()); }
  /// Multiplications and additions of one call, without norms and softmax.
  double flop(std::int64_t tokens) const;
  /// Of memory beside the weights, while one call runs.
  std::int64_t working_bytes(std::int64_t tokens) const;

 private:
  struct Layer {
    Vector attention_norm, mlp_norm;
    MatmulWeight qkv, output, gate_up, down;
    Tensor bucket_bias;  // [buckets, heads]; empty where the layer above has it
  };
  struct Rows;  // the buffers of one call

  static Result<Layer> load_layer(WeightLoader& weights, const T5Config& config,
                                  std::int64_t index);
  Tensor position_bias(const Tensor& bucket_bias, std::int64_t tokens) const;
  void run_layer(const Context& context, const Layer& layer, ConstMatrixView bias,
                 Rows& rows) const;

  T5Config config_;
  NumberFormat format_;
  std::vector<Layer> layers_;
  MappedMatrix embedding_;  // [vocab_size, hidden_size], as stored
  Vector final_norm_;       // [hidden_size]
};

/// The bucket of a key that lies `distance` tokens behind its query: one half of the buckets for
/// each side, of these one half exact, the rest on a logarithmic scale up to max_distance.
std::int64_t t5_bucket(std::int64_t distance, const T5Config& config);

}  // namespace imagined::engine
