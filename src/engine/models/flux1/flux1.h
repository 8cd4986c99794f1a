// The FLUX.1 transformer: noisy latent tokens, a prompt and a noise level in, velocity out.
//
// Symbols as in flux.md section 2: D width, T text tokens, N output tokens, R reference tokens,
// S = T + N + R, F = 4 D inner width of the MLP.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "base/result.h"
#include "engine/backend/context.h"
#include "engine/models/common/joint_attention.h"
#include "engine/models/common/linear.h"
#include "engine/models/common/transformer.h"
#include "engine/models/common/weight_loader.h"
#include "engine/models/flux1/flux1_config.h"

namespace imagined::engine {

/// Differs from FLUX.2 in that every block has its own modulation, every layer a bias, the MLP no
/// gate and the noise level is joined by a pooled prompt. References stand behind the picture at
/// time 1; only Kontext was trained with one.
/// Source: flux.md 2.11; black-forest-labs/flux, `model.py`; diffusers, `transformer_flux.py`.
class Flux1 final : public Transformer {
 public:
  /// Errors: what WeightLoader says about a missing or misshapen tensor.
  static Result<std::unique_ptr<Flux1>> load(WeightLoader& weights, const Flux1Config& config);

  std::int64_t channels() const override { return config_.channels; }
  WorkCost step_cost(const TokenCounts& tokens, int steps) const override;

  /// The request has a pooled prompt of pooled_size, and guidance where the model embeds it.
  std::unique_ptr<Denoiser> begin(const Context& context,
                                  const DenoiseRequest& request) const override;

 private:
  struct Stream {  // one side of a double block
    HeadNorms norms;
    Linear qkv, proj, mlp_in, mlp_out;
  };
  struct DoubleBlock {
    Stream image, text;
    Linear modulation;  // [12 D, D]: image 6 D, text 6 D
  };
  struct SingleBlock {
    HeadNorms norms;
    Linear qkv, mlp_in, out;
    Linear modulation;  // [3 D, D]
  };
  class Loader;      // names and shapes of the tensors
  class Modulation;  // the vectors that steer the blocks, for every step
  class Pass;        // one run through all blocks
  class Picture;     // the denoiser

  std::int64_t width() const { return config_.width(); }
  std::int64_t inner() const { return config_.mlp_size(); }
  std::size_t blocks() const { return double_blocks_.size() + single_blocks_.size(); }
  double flop(const TokenCounts& tokens) const;

  Flux1Config config_;
  NumberFormat format_;
  Linear image_in_, text_in_, image_out_;
  EmbeddingMlp time_, pooled_, guidance_;
  Linear out_modulation_;  // [2 D, D]: scale, shift
  std::vector<DoubleBlock> double_blocks_;
  std::vector<SingleBlock> single_blocks_;
};

}  // namespace imagined::engine
