// CLIP's text encoder: ids in, the whole prompt in one vector out.
#pragma once

#include <cstdint>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "base/result.h"
#include "engine/backend/context.h"
#include "engine/models/clip/clip_config.h"
#include "engine/models/common/linear.h"
#include "engine/models/common/weight_loader.h"

namespace imagined::engine {

/// Source: flux.md 5.7; Radford et al. 2021; transformers, `modeling_clip.py`.
class ClipText {
 public:
  /// The token embedding stays in the file. Errors: what WeightLoader says.
  static Result<ClipText> load(WeightLoader& weights, const ClipConfig& config);

  /// The pooled vector of one prompt: the row of its end token behind the final norm.
  ///
  /// ids      at most `positions`, each below vocab_size, with an end token among them (else
  ///          `invalid_argument`). What follows the first end token does not matter, as no token
  ///          sees a later one.
  /// returns  [hidden_size].
  /// A stop request between two layers returns `cancelled`.
  Result<Vector> encode(const Context& context, std::span<const std::int32_t> ids,
                        const std::stop_token& stop) const;

  std::int64_t pooled_size() const { return config_.hidden_size; }
  /// Multiplications and additions of one call, without norms and softmax; tokens up to and with
  /// the end token.
  double flop(std::int64_t tokens) const;

 private:
  struct Norm {
    Vector weight, bias;
  };
  struct Layer {
    Norm attention_norm, mlp_norm;
    Linear qkv, output, up, down;
  };
  struct Rows;  // the buffers of one call

  static Result<Norm> load_norm(WeightLoader& weights, const std::string& name, std::int64_t size);
  static Result<Layer> load_layer(WeightLoader& weights, const ClipConfig& config,
                                  std::int64_t index);
  Result<std::int64_t> tokens_to_end(std::span<const std::int32_t> ids) const;
  Result<Tensor> embed(const Context& context, std::span<const std::int32_t> ids) const;
  void run_layer(const Context& context, const Layer& layer, Rows& rows) const;

  ClipConfig config_;
  NumberFormat format_;
  std::vector<Layer> layers_;
  MappedMatrix embedding_;  // [vocab_size, hidden_size], as stored
  Tensor positions_;        // [positions, hidden_size] f32
  Norm final_norm_;
};

}  // namespace imagined::engine
