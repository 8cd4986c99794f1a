// The transformer of Wan 2.2 TI2V: noisy latent tokens of a clip and a prompt in, velocity out.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "base/result.h"
#include "engine/models/common/linear.h"
#include "engine/models/common/transformer.h"
#include "engine/models/common/weight_loader.h"
#include "engine/models/wan/wan_config.h"

namespace imagined::engine {

/// Blocks of self-attention over all frames, attention to the prompt, and an MLP. A reference is
/// the first frame as it is: its tokens stand at time 0 with the noise level 0 of their own, those
/// of the frames to be made behind it.
/// Source: diffusers, `transformer_wan.py` (`expand_timesteps`).
class Wan final : public Transformer {
 public:
  static Result<std::unique_ptr<Wan>> load(WeightLoader& weights, const WanConfig& config);

  std::int64_t channels() const override { return config_.token_channels(); }
  WorkCost step_cost(const TokenCounts& tokens, int steps) const override;
  std::unique_ptr<Denoiser> begin(const Context& context,
                                  const DenoiseRequest& request) const override;

 private:
  struct Attention {
    Linear q, kv;  // apart, for the prompt is read by other rows than it is asked by
    Linear qkv;    // in one, of self-attention
    Linear out;
    Vector norm_q, norm_k;  // over all heads together
  };
  struct Block {
    Attention self, text;
    Vector text_norm_weight, text_norm_bias;
    Linear mlp_in, mlp_out;
    Vector modulation;  // 6 vectors of the width, added to those of the noise level
  };
  class Loader;  // names and shapes of the tensors
  class Pass;    // one forward pass
  class Clip;    // the denoiser

  std::int64_t width() const { return config_.width(); }
  double flop(const TokenCounts& tokens) const;

  WanConfig config_;
  NumberFormat format_;
  Linear patch_in_, out_;
  Linear text_in_, text_out_;  // GELU between them
  EmbeddingMlp time_;
  Linear time_modulation_;  // 6 vectors of the width
  std::vector<Block> blocks_;
  Vector out_modulation_;  // shift and scale
};

}  // namespace imagined::engine
