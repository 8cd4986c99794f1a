// Qwen3 as a text encoder: ids in, the hidden states of some of its layers out. Mistral's decoder
// is the same without the norms of queries and keys.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "engine/backend/context.h"
#include "engine/models/common/weight_loader.h"
#include "engine/models/qwen3/qwen3_config.h"
#include "engine/ops/matmul/matmul.h"
#include "engine/ops/rope/rope.h"

namespace imagined::engine {

/// Source: flux.md 5.2, 5.4; transformers, `modeling_qwen3.py`, `modeling_mistral.py`.
class Qwen3 {
 public:
  /// Loads the layers up to the last tap and nothing behind it: no language-model head, and the
  /// final norm only when the last tap is the last layer. The token embedding stays in the file.
  /// taps  numbers in 0..layers; tap k is the residual stream after k layers.
  /// Errors: `invalid_argument` for taps that the model does not have, and what WeightLoader says.
  static Result<Qwen3> load(WeightLoader& weights, const Qwen3Config& config,
                            std::span<const std::int64_t> taps);

  /// Whether a weight is one of the layers behind the last tap, the final norm or the
  /// language-model head: those that `load` may leave where they are.
  static bool is_behind(std::string_view name, std::span<const std::int64_t> taps);

  /// Features of one prompt.
  ///
  /// ids        [tokens], each below vocab_size (else `invalid_argument`).
  /// key_count  real tokens; the rows behind them are padding: computed, but never looked at.
  /// returns    [tokens, taps * hidden_size] f32: the taps side by side, in their order.
  /// A stop request between two layers returns `cancelled`.
  Result<Tensor> encode(const Context& context, std::span<const std::int32_t> ids,
                        std::int64_t key_count, const std::stop_token& stop) const;

  /// The same for a prompt that is filled up on its left, as FLUX.2 [dev] reads it: `padding` ids
  /// stand before the real ones, which never look at them. A row of padding sees nothing at all,
  /// not even itself, so that its attention is 0 and all of them are the same row, computed once.
  /// Source: transformers 5.24 with `sdpa`, on masks that leave a query no key.
  Result<Tensor> encode_right(const Context& context, std::span<const std::int32_t> ids,
                              std::int64_t padding, const std::stop_token& stop) const;

  std::int64_t feature_width() const {
    return static_cast<std::int64_t>(taps_.size()) * config_.hidden_size;
  }
  /// Up to the last tap.
  std::int64_t layers() const { return static_cast<std::int64_t>(layers_.size()); }
  /// Multiplications and additions of one call, without norms and softmax.
  double flop(std::int64_t tokens) const;
  /// Of memory beside the weights, while one call runs.
  std::int64_t working_bytes(std::int64_t tokens) const;

 private:
  struct Layer {
    Vector input_norm, post_norm, q_norm, k_norm;
    MatmulWeight qkv, output, gate_up, down;
  };
  struct Rows;  // the buffers of one call
  struct Places;

  static Result<Layer> load_layer(WeightLoader& weights, const Qwen3Config& config,
                                  std::int64_t index);
  void run_layer(const Context& context, const Layer& layer, const Places& places,
                 Rows& rows) const;
  Result<Tensor> run(const Context& context, std::span<const std::int32_t> ids,
                     const Places& places, const std::stop_token& stop) const;

  Qwen3Config config_;
  NumberFormat format_;
  std::vector<std::int64_t> taps_;
  std::vector<Layer> layers_;
  RopeLayout layout_ = RopeLayout::halves;  // of the rows of queries and keys
  MappedMatrix embedding_;                  // [vocab_size, hidden_size], as stored
  Vector final_norm_;                       // empty unless the last tap is the last layer
};

}  // namespace imagined::engine
