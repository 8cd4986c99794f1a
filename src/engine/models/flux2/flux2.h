// The FLUX.2 transformer: noisy latent tokens, text features and a noise level in, velocity out.
//
// Symbols as in flux.md section 2: D width, T text tokens, N output tokens, R reference tokens,
// S = T + N + R, F inner width of the MLP.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "base/result.h"
#include "engine/backend/context.h"
#include "engine/models/common/joint_attention.h"
#include "engine/models/common/transformer.h"
#include "engine/models/common/weight_loader.h"
#include "engine/models/flux2/flux2_config.h"
#include "engine/ops/matmul/matmul.h"

namespace imagined::engine {

/// References take part in every step like the picture itself, or, in a model trained for it
/// (Flux2Config::cached_references), see only each other, at noise level 0: their keys and values
/// are then computed once, in the first step, and looked at in all (flux.md 6.2).
class Flux2 final : public Transformer {
 public:
  /// Errors: what WeightLoader says about a missing or misshapen tensor.
  static Result<std::unique_ptr<Flux2>> load(WeightLoader& weights, const Flux2Config& config);

  std::int64_t channels() const override { return config_.in_channels; }
  WorkCost step_cost(const TokenCounts& tokens, int steps) const override;

  /// references  in the order of their time index 10, 20, ... (flux.md 2.5); the one of a clip is
  ///             at 0.
  std::unique_ptr<Denoiser> begin(const Context& context,
                                  const DenoiseRequest& request) const override;

  /// The shared modulation of every block for each noise level (flux.md 2.2, 2.3, 2.8).
  /// sigmas    in [0, 1].
  /// guidance  goes into the embedding of a model with guidance_embeds; nothing leaves it out, as
  ///           klein's pipeline does.
  /// returns   [sigmas, 17 D] f32: image 6 D, text 6 D, single 3 D, output 2 D.
  Tensor modulation(const Context& context, std::span<const float> sigmas,
                    std::optional<float> guidance) const;

 private:
  struct Stream {  // one side of a double block
    HeadNorms norms;
    MatmulWeight qkv, proj, mlp_in, mlp_out;
  };
  struct DoubleBlock {
    Stream image, text;
  };
  struct SingleBlock {
    HeadNorms norms;
    MatmulWeight qkv, mlp_in, out;
  };
  struct TimeMlp {
    MatmulWeight in, out;
  };
  class Loader;   // names and shapes of the tensors
  class Picture;  // the denoiser
  class Pass;     // one run through all blocks

  std::int64_t width() const { return config_.width(); }
  std::int64_t inner() const { return config_.mlp_size; }
  std::size_t blocks() const { return double_blocks_.size() + single_blocks_.size(); }
  /// Multiplications and additions of a pass in which `rows` tokens look at `keys` tokens and the
  /// last block's result is read for `read` of them.
  double flop(std::int64_t rows, std::int64_t keys, std::int64_t read) const;
  /// The first and the last product of a pass.
  double in_and_out_flop(std::int64_t rows) const;

  Flux2Config config_;
  NumberFormat format_;
  MatmulWeight image_in_, text_in_, modulation_, image_out_;
  TimeMlp time_, guidance_;
  std::vector<DoubleBlock> double_blocks_;
  std::vector<SingleBlock> single_blocks_;
};

}  // namespace imagined::engine
