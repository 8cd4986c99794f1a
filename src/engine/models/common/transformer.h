// What a diffusion transformer is to the pipeline, whatever its family.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <vector>

#include "base/result.h"
#include "engine/backend/context.h"
#include "engine/models/common/work_cost.h"
#include "engine/tensor/matrix.h"

namespace imagined::engine {

/// A prompt as a transformer reads it.
struct TextFeatures {
  Tensor tokens;  // [T, context size] f32
  Vector pooled;  // the whole prompt in one vector; empty where the family has none
};

/// A reference picture as a transformer sees it.
struct ReferenceTokens {
  ConstMatrixView latents;  // [rows * cols, channels] f32, normalised
  std::int64_t rows = 0;
  std::int64_t cols = 0;
};

/// What stays the same over all steps of one picture, or of one pass of a clip. Everything that is
/// pointed to must outlive the call that takes it, and no longer.
struct DenoiseRequest {
  const TextFeatures& text;
  std::int64_t rows = 0;  // of the picture's token grid
  std::int64_t cols = 0;
  /// That are made at once, at times 1, 2, ... after the only reference, which is what is there at
  /// time 0; without one at times 0, 1, ... 0: a picture, at time 0 itself.
  std::int64_t clip_frames = 0;
  /// Where a pass is made in several runs: the time of this one's first frame, and how far apart
  /// its frames stand.
  std::int64_t clip_first = 1;
  std::int64_t clip_stride = 1;
  std::span<const ReferenceTokens> references;
  std::span<const float> sigmas;  // the noise level of each step, as the network is told
  std::optional<float> guidance;  // for the embedding of a model that has one
};

/// The buffers of a step, kept between steps and pictures, grown when a larger picture comes.
/// S rows: text, picture and reference tokens; D: width; F: inner width of the MLP.
struct TransformerWorkspace {
  Tensor hidden;  // [S, D] f32, the residual stream, text rows first
  Tensor normed;  // [S, D]
  Tensor qkv;     // [S, 3 D]
  Tensor joined;  // [S, D + F], attention's output beside the MLP's inner rows
  Tensor inner;   // [rows of one chunk, what the MLP's first product gives]
  std::int64_t held_bytes() const;
};

/// Makes `tensor` at least [rows, cols]; what it held is lost when it grows.
void grow(Tensor& tensor, std::int64_t rows, std::int64_t cols, DType dtype);

/// What a picture comes to.
struct TokenCounts {
  std::int64_t text = 0;
  std::int64_t picture = 0;
  std::int64_t references = 0;
  std::int64_t all() const { return text + picture + references; }
};

/// One picture on its way through a transformer.
class Denoiser {
 public:
  virtual ~Denoiser() = default;

  /// One forward pass; the steps of a picture are asked for in order.
  ///
  /// latents   [rows * cols, channels] f32, noisy at sigmas[step]; those of a clip frame by frame.
  /// velocity  as large, f32: noise minus data.
  /// A stop request between two blocks returns `cancelled`.
  virtual Result<> velocity(const Context& context, int step, ConstMatrixView latents,
                            TransformerWorkspace& workspace, MatrixView velocity,
                            const std::stop_token& stop) = 0;

  /// Multiplications and additions of that step, without norms and softmax.
  virtual double flop(int step) const = 0;
};

/// The weights of one transformer. Immutable.
class Transformer {
 public:
  virtual ~Transformer() = default;

  /// Numbers in one latent token.
  virtual std::int64_t channels() const = 0;

  /// What one of `steps` steps takes, and all that lies in memory meanwhile.
  virtual WorkCost step_cost(const TokenCounts& tokens, int steps) const = 0;

  /// Computes what every step reads. The denoiser keeps a pointer to the transformer.
  virtual std::unique_ptr<Denoiser> begin(const Context& context,
                                          const DenoiseRequest& request) const = 0;
};

}  // namespace imagined::engine
