// The picture autoencoders of FLUX: pixels to normalised latent tokens and back.
#pragma once

#include <cstdint>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/result.h"
#include "engine/backend/context.h"
#include "engine/models/common/activation_pool.h"
#include "engine/models/common/autoencoder.h"
#include "engine/models/common/weight_loader.h"
#include "engine/models/vae/vae_config.h"
#include "engine/ops/conv2d/conv2d.h"
#include "engine/ops/matmul/matmul.h"

namespace imagined::engine {

/// AutoencoderKLFlux2 with any number of levels, and with pixel blocks folded into channels outside
/// of it when the configuration says so (border_shuffle); and FLUX.1's AutoencoderKL, which differs
/// in how latents are normalised.
/// Source: flux.md section 3; diffusers, `autoencoder_kl_flux2.py`, `autoencoder_kl.py` and
/// `vae.py`.
class Vae final : public Autoencoder {
 public:
  static constexpr std::int64_t kBandBytes = 32 << 20;

  static Result<Vae> load(WeightLoader& weights, const VaeConfig& config);

  std::int64_t pixels_per_token() const override { return config_.pixels_per_token(); }
  std::int64_t frames_per_latent() const override { return 1; }
  Result<Tensor> decode(const Context& context, ConstMatrixView tokens, std::int64_t rows,
                        std::int64_t cols, ActivationPool& pool,
                        const std::stop_token& stop) const override {
    return decode(context, tokens, rows, cols, pool, stop, kBandBytes);
  }
  /// Large pictures are worked through in bands of rows of about `band_bytes` in f32, which changes
  /// no number.
  Result<Tensor> decode(const Context& context, ConstMatrixView tokens, std::int64_t rows,
                        std::int64_t cols, ActivationPool& pool, const std::stop_token& stop,
                        std::int64_t band_bytes) const;
  Result<Tensor> encode(const Context& context, ConstMatrixView pixels, std::int64_t height,
                        std::int64_t width, ActivationPool& pool,
                        const std::stop_token& stop) const override;
  /// Frame by frame, each alone.
  std::unique_ptr<ClipDecoder> begin_clip(const Context& context, std::int64_t rows,
                                          std::int64_t cols, ActivationPool& pool) const override;
  double decode_flop(std::int64_t rows, std::int64_t cols) const override;
  double encode_flop(std::int64_t rows, std::int64_t cols) const override;
  double clip_flop(std::int64_t rows, std::int64_t cols) const override {
    return decode_flop(rows, cols);
  }
  std::int64_t decode_bytes(std::int64_t rows, std::int64_t cols) const override;
  std::int64_t clip_bytes(std::int64_t rows, std::int64_t cols) const override {
    return decode_bytes(rows, cols);
  }

 private:
  struct Norm {
    Vector weight, bias;
  };
  struct ResBlock {
    Norm norm1, norm2;
    PackedConv conv1, conv2;
    PackedConv shortcut;  // empty when the channels stay the same
  };
  struct Attention {
    Norm norm;
    MatmulWeight qkv, out;
    Vector qkv_bias, out_bias;
  };
  struct Level {
    std::vector<ResBlock> blocks;
    PackedConv resample;  // empty on the last level
  };
  struct Middle {
    ResBlock first, second;
    std::optional<Attention> attention;
  };
  struct Half {        // encoder or decoder: they differ in order and in how a level is resampled
    PackedConv quant;  // behind the encoder, before the decoder; empty when switched off
    PackedConv in, out;
    std::vector<Level> levels;
    Middle middle;
    Norm norm_out;
  };
  /// Latents are mean + deviation * normalised, channel by channel of a token: batch statistics in
  /// FLUX.2, one shift and one scale for all in FLUX.1. [4 * latent_channels] each.
  struct Scaling {
    Vector mean, deviation;
    Vector inverse_mean, inverse_deviation;  // the same for (x - mean) / deviation
  };
  struct Picture;  // an image on loan from the pool memory
  class Loader;    // names and shapes of the tensors
  class Pass;      // one run through a half
  class Frames;    // a clip, frame by frame

  static Scaling make_scaling(const std::vector<double>& mean,
                              const std::vector<double>& deviation);
  double half_flop(const Half& half, bool encoder, std::int64_t rows, std::int64_t cols) const;

  VaeConfig config_;
  NumberFormat format_;
  Half encoder_, decoder_;
  Scaling scaling_;
};

}  // namespace imagined::engine
