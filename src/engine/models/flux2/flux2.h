// The FLUX.2 transformer: noisy latent tokens, text features and a noise level in, velocity out.
//
// Symbols as in flux.md section 2: D width, T text tokens, N output tokens, R reference tokens,
// S = T + N + R, F inner width of the MLP.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <stop_token>
#include <vector>

#include "base/result.h"
#include "engine/backend/context.h"
#include "engine/formats/model_config.h"
#include "engine/models/common/weight_loader.h"
#include "engine/ops/matmul/matmul.h"
#include "engine/ops/rope/rope.h"

namespace imagined::engine {

/// A reference picture as the transformer sees it.
struct ReferenceTokens {
  ConstMatrixView latents;  // [rows * cols, in_channels] f32, normalised
  std::int64_t rows = 0;
  std::int64_t cols = 0;
};

/// What stays the same over all steps of one prompt: computed once, read by every step.
struct Flux2Condition {
  Tensor text;        // [T, D] f32, projected features
  Tensor references;  // [R, D] f32, projected latents
  std::int64_t output_tokens = 0;
  RopeTable text_table;   // T rows
  RopeTable image_table;  // N + R rows
  RopeTable joint_table;  // S rows
  std::int64_t text_tokens() const { return text.rows(); }
  std::int64_t image_tokens() const { return output_tokens + references.rows(); }
  std::int64_t tokens() const { return text_tokens() + image_tokens(); }
};

/// The buffers of a step, kept between steps and grown when a larger picture comes.
struct Flux2Workspace {
  Tensor hidden;   // [S, D] f32, the residual stream, text rows first
  Tensor normed;   // [S, D]
  Tensor qkv;      // [S, 3 D]
  Tensor joined;   // [S, D + F], attention output beside the MLP's inner rows
  Tensor gate_up;  // [rows of one chunk, 2 F]
  std::int64_t held_bytes() const;
};

class Flux2 {
 public:
  /// Errors: what WeightLoader says about a missing or misshapen tensor.
  static Result<Flux2> load(WeightLoader& weights, const Flux2Config& config);

  /// features    [T, context_size] f32.
  /// references  in the order of their time index 10, 20, ... (flux.md 2.5).
  Flux2Condition condition(const Context& context, ConstMatrixView features, std::int64_t rows,
                           std::int64_t cols, std::span<const ReferenceTokens> references) const;

  /// The shared modulation of every block for each noise level (flux.md 2.2, 2.3, 2.8).
  /// sigmas    in [0, 1].
  /// guidance  goes into the embedding of a model with guidance_embeds; nothing leaves it out, as
  ///           klein's pipeline does.
  /// returns   [sigmas, 17 D] f32: image 6 D, text 6 D, single 3 D, output 2 D.
  Tensor modulation(const Context& context, std::span<const float> sigmas,
                    std::optional<float> guidance) const;

  /// One forward pass.
  ///
  /// latents     [N, in_channels]  f32.
  /// modulation  [17 D], one row of `modulation`.
  /// velocity    [N, out_channels] f32.
  /// A stop request between two blocks returns `cancelled`.
  Result<void> velocity(const Context& context, const Flux2Condition& condition,
                        const float* modulation, ConstMatrixView latents, Flux2Workspace& workspace,
                        MatrixView velocity, const std::stop_token& stop) const;

  /// Multiplications and additions of one forward pass, without norms and softmax.
  double flop(std::int64_t text, std::int64_t output, std::int64_t reference) const;

 private:
  struct Stream {  // one side of a double block
    std::vector<float> norm_q, norm_k;
    PackedWeight qkv, proj, mlp_in, mlp_out;
  };
  struct DoubleBlock {
    Stream image, text;
  };
  struct SingleBlock {
    std::vector<float> norm_q, norm_k;
    PackedWeight qkv, mlp_in, out;
  };
  struct TimeMlp {
    PackedWeight in, out;
  };
  struct Modulation;  // pointers into one row of `modulation`

  static Result<DoubleBlock> load_double(WeightLoader& weights, const Flux2Config& config,
                                         std::int64_t index);
  static Result<SingleBlock> load_single(WeightLoader& weights, const Flux2Config& config,
                                         std::int64_t index);
  static Result<TimeMlp> load_time_mlp(WeightLoader& weights, const Flux2Config& config,
                                       const std::string& name);
  void reserve(Flux2Workspace& workspace, std::int64_t tokens) const;
  void project(const Context& context, const Stream& stream, const float* shift, const float* scale,
               const RopeTable& table, MatrixView hidden, MatrixView normed, MatrixView qkv) const;
  void feed_forward(const Context& context, const PackedWeight& in, const PackedWeight& out,
                    const float* gate, MatrixView hidden, ConstMatrixView normed, MatrixView joined,
                    MatrixView out_rows, Flux2Workspace& workspace) const;
  void run_double(const Context& context, const DoubleBlock& block, const Modulation& mod,
                  const Flux2Condition& condition, Flux2Workspace& workspace) const;
  void run_single(const Context& context, const SingleBlock& block, const Modulation& mod,
                  const Flux2Condition& condition, bool last, Flux2Workspace& workspace) const;

  std::int64_t width() const { return config_.width(); }
  std::int64_t inner() const { return config_.mlp_size; }

  Flux2Config config_;
  NumberFormat format_;
  PackedWeight image_in_, text_in_, modulation_, image_out_;
  TimeMlp time_, guidance_;
  std::vector<DoubleBlock> double_blocks_;
  std::vector<SingleBlock> single_blocks_;
};

}  // namespace imagined::engine
