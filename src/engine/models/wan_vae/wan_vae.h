// The autoencoder of Wan 2.2: clips to normalised latent tokens and back, causal in time.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <stop_token>
#include <vector>

#include "base/result.h"
#include "engine/models/common/autoencoder.h"
#include "engine/models/common/linear.h"
#include "engine/models/common/weight_loader.h"
#include "engine/models/wan_vae/wan_vae_config.h"
#include "engine/ops/conv2d/conv2d.h"

namespace imagined::engine {

/// A convolution over time is a sum of convolutions of frames: of this one and of the two before
/// it, which each keeps for the next. So a clip is decoded frame by frame from the coarsest level
/// to the pixels, and what lies in memory does not grow with it. Only first frames are encoded, of
/// which a causal convolution sees nothing but this one frame.
/// Source: diffusers, `autoencoder_kl_wan.py` (`is_residual`).
class WanVae final : public Autoencoder {
 public:
  static Result<std::unique_ptr<WanVae>> load(WeightLoader& weights, const WanVaeConfig& config);

  std::int64_t pixels_per_token() const override { return 2 * config_.pixels_per_latent(); }
  std::int64_t frames_per_latent() const override { return config_.frames_per_latent(); }
  Result<Tensor> decode(const Context& context, ConstMatrixView tokens, std::int64_t rows,
                        std::int64_t cols, ActivationPool& pool,
                        const std::stop_token& stop) const override;
  Result<Tensor> encode(const Context& context, ConstMatrixView pixels, std::int64_t height,
                        std::int64_t width, ActivationPool& pool,
                        const std::stop_token& stop) const override;
  std::unique_ptr<ClipDecoder> begin_clip(const Context& context, std::int64_t rows,
                                          std::int64_t cols, ActivationPool& pool) const override;
  double decode_flop(std::int64_t rows, std::int64_t cols) const override;
  double encode_flop(std::int64_t rows, std::int64_t cols) const override;
  double clip_flop(std::int64_t rows, std::int64_t cols) const override;
  std::int64_t decode_bytes(std::int64_t rows, std::int64_t cols) const override;
  std::int64_t clip_bytes(std::int64_t rows, std::int64_t cols) const override;

 private:
  static constexpr std::size_t kTaps = 3;  // in time, of every convolution over it

  /// taps[t] is of the frame 2 - t before this one; the encoder has the last alone.
  struct FrameConv {
    std::array<PackedConv, kTaps> taps;
    const PackedConv& now() const { return taps.back(); }
    bool empty() const { return now().empty(); }
  };
  struct ResBlock {
    Vector norm1, norm2;
    FrameConv conv1, conv2;
    PackedConv shortcut;  // empty when the channels stay the same
  };
  struct Attention {
    Vector norm;
    Linear qkv, out;
  };
  struct Middle {
    ResBlock first, second;
    Attention attention;
  };
  struct Level {
    std::vector<ResBlock> blocks;
    PackedConv resample;  // empty where the level changes no size
    FrameConv time;       // of the decoder: one frame becomes two; empty where it stays one
    std::int64_t in = 0;  // channels
    std::int64_t out = 0;
    bool halves_time = false;
  };
  struct Half {
    FrameConv in, out;
    std::vector<Level> levels;
    Middle middle;
    Vector norm_out;
  };
  /// Latents are mean + deviation * normalised, channel by channel of a token.
  struct Scaling {
    Vector mean, deviation;
    Vector inverse_mean, inverse_deviation;  // the same for (x - mean) / deviation
  };
  struct Frame;   // a picture of activations
  class Loader;   // names and shapes of the tensors
  class Pass;     // arithmetic of one frame
  class Decoder;  // a clip's decoder, and the frames that its convolutions remember

  void make_scaling();
  double decoder_flop(std::int64_t rows, std::int64_t cols, bool first) const;
  std::int64_t decoder_bytes(std::int64_t rows, std::int64_t cols, std::int64_t frames) const;

  WanVaeConfig config_;
  NumberFormat format_;
  Half encoder_, decoder_;
  PackedConv quant_;       // behind the encoder, its means alone
  PackedConv post_quant_;  // before the decoder
  Scaling scaling_;
};

}  // namespace imagined::engine
