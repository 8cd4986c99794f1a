#include "engine/models/vae/vae.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "engine/models/common/work_cost.h"
#include "engine/ops/attention/attention.h"
#include "engine/ops/convert/convert.h"
#include "engine/ops/group_norm/group_norm.h"
#include "engine/ops/pixel_shuffle/pixel_shuffle.h"

namespace imagined::engine {
namespace {
constexpr float kNormEpsilon = 1e-6f;  // of every group norm (flux.md 3.4); no key names it
}

struct Vae::Picture {
  ActivationPool::Loan memory;
  std::int64_t height = 0;
  std::int64_t width = 0;

  ImageView view() const { return {.pixels = memory.view(), .height = height, .width = width}; }
  std::int64_t channels() const { return memory.view().cols; }
};

/// One run through the encoder or the decoder. The residual stream is f32, and statistics of norms
/// are always exact; whatever is only read again by a norm or a convolution has the dtype of the
/// products.
class Vae::Pass {
 public:
  Pass(const Context& context, const Vae& vae, ActivationPool& pool, const std::stop_token& stop)
      : context_(context), vae_(vae), pool_(pool), stop_(stop) {}

  Picture make(std::int64_t height, std::int64_t width, std::int64_t channels,
               DType dtype = DType::f32) {
    return {pool_.take(height * width, channels, dtype), height, width};
  }
  bool stopped() const { return stop_.stop_requested(); }

  Picture convolve(const Picture& in, const PackedConv& conv, ConvShape shape,
                   DType dtype = DType::f32) {
    return convolve(ConstImageView(in.view()), conv, shape, dtype);
  }
  Picture convolve(ConstImageView in, const PackedConv& conv, ConvShape shape,
                   DType dtype = DType::f32) {
    std::int64_t height = in.height;
    std::int64_t width = in.width;
    if (shape == ConvShape::downsample) {
      height = (height - 2) / 2 + 1;
      width = (width - 2) / 2 + 1;
    } else if (shape == ConvShape::upsample) {
      height *= 2;
      width *= 2;
    }
    Picture out = make(height, width, conv.out_channels(), dtype);
    conv2d(context_, in, conv, shape, out.view());
    return out;
  }

  /// Group norm, then SiLU, ready for a convolution.
  Picture activate(const Picture& in, const Norm& norm, bool silu = true) {
    Picture out = make(in.height, in.width, in.channels(), vae_.format_.activations);
    group_norm(context_, in.view(), norm.weight, norm.bias,
               {.groups = vae_.config_.norm_groups, .epsilon = kNormEpsilon, .silu = silu},
               out.view());
    return out;
  }

  Picture run(const ResBlock& block, Picture x) {
    Picture inner =
        convolve(activate(x, block.norm1), block.conv1, ConvShape::same, vae_.format_.activations);
    const Picture active = activate(inner, block.norm2);
    inner = {};  // memory is scarce here: the widest pictures of a decode are these
    if (block.shortcut.empty()) {
      add_convolved(active, block.conv2, x);
      return x;
    }
    Picture sum = convolve(x, block.shortcut, ConvShape::same);
    x = {};
    add_convolved(active, block.conv2, sum);
    return sum;
  }

  void run(const Attention& attention, const Picture& x) {
    const std::int64_t channels = x.channels();
    const std::int64_t pixels = x.height * x.width;
    const DType act = vae_.format_.activations;
    Picture normed = activate(x, attention.norm, false);
    const ActivationPool::Loan qkv = pool_.take(pixels, 3 * channels, act);
    matmul(context_, normed.view().pixels, attention.qkv, qkv.view(), {.bias = attention.qkv_bias});
    const MatrixView all = qkv.view();
    engine::attention(
        context_, all.col_range(0, channels), all.col_range(channels, channels),
        all.col_range(2 * channels, channels),
        {.head_dim = channels, .scale = 1.0f / std::sqrt(static_cast<float>(channels))},
        normed.view().pixels);
    matmul(context_, normed.view().pixels, attention.out, x.view().pixels,
           {.bias = attention.out_bias, .accumulate = true});
  }

  Picture run(const Middle& middle, Picture x) {
    x = run(middle.first, std::move(x));
    if (middle.attention.has_value()) run(*middle.attention, x);
    return run(middle.second, std::move(x));
  }

  /// All levels; an empty picture when a stop was asked for.
  Picture run(const std::vector<Level>& levels, ConvShape resample, Picture x) {
    for (std::size_t i = 0; i < levels.size(); ++i) {
      for (const ResBlock& block : levels[i].blocks) {
        if (stopped()) return {};
        x = run(block, std::move(x));
      }
      if (levels[i].resample.empty()) continue;
      // A block with a shortcut only looks at its input; any other one adds to it, in f32.
      const bool summed = levels[i + 1].blocks.front().shortcut.empty();
      x = convolve(x, levels[i].resample, resample, summed ? DType::f32 : vae_.format_.activations);
    }
    return x;
  }

 private:
  void add_convolved(const Picture& in, const PackedConv& conv, const Picture& sum) {
    const ConstImageView residual = sum.view();
    conv2d(context_, in.view(), conv, ConvShape::same, sum.view(), &residual);
  }

  const Context& context_;
  const Vae& vae_;
  ActivationPool& pool_;
  const std::stop_token& stop_;
};

Result<Tensor> Vae::decode(const Context& context, ConstMatrixView tokens, std::int64_t rows,
                           std::int64_t cols, ActivationPool& pool,
                           const std::stop_token& stop) const {
  const std::int64_t channels = 4 * config_.latent_channels;
  CHECK(tokens.rows == rows * cols && tokens.cols == channels, "tokens [{}, {}] on a {} x {} grid",
        tokens.rows, tokens.cols, rows, cols);
  Pass pass(context, *this, pool, stop);
  Picture x = pass.make(2 * rows, 2 * cols, config_.latent_channels);
  {
    const Picture latents = pass.make(rows, cols, channels);
    affine_columns(context, tokens, scaling_.deviation, scaling_.mean, latents.view().pixels);
    pixel_shuffle(context, latents.view(), 2, x.view());
  }
  if (!decoder_.quant.empty()) x = pass.convolve(x, decoder_.quant, ConvShape::same);
  x = pass.convolve(x, decoder_.in, ConvShape::same);
  x = pass.run(decoder_.middle, std::move(x));
  x = pass.run(decoder_.levels, ConvShape::upsample, std::move(x));
  if (pass.stopped()) return fail(ErrorCode::cancelled, "cancelled");
  const Picture active = pass.activate(x, decoder_.norm_out);
  x = {};
  const std::int64_t block = config_.border_shuffle;
  Tensor pixels(active.height * active.width * block * block, 3);
  const ImageView out{
      .pixels = pixels.view(), .height = active.height * block, .width = active.width * block};
  if (block == 1) {
    conv2d(context, active.view(), decoder_.out, ConvShape::same, out);
  } else {
    const Picture folded = pass.convolve(active, decoder_.out, ConvShape::same);
    pixel_shuffle(context, folded.view(), block, out);
  }
  return pixels;
}

Result<Tensor> Vae::encode(const Context& context, ConstMatrixView pixels, std::int64_t height,
                           std::int64_t width, ActivationPool& pool,
                           const std::stop_token& stop) const {
  const std::int64_t side = config_.pixels_per_token();
  CHECK(pixels.rows == height * width && height % side == 0 && width % side == 0,
        "picture {} x {} for tokens of {} pixels", width, height, side);
  Pass pass(context, *this, pool, stop);
  const std::int64_t block = config_.border_shuffle;
  Picture x;
  if (block == 1) {
    x = pass.convolve(ConstImageView(pixels, height, width), encoder_.in, ConvShape::same);
  } else {
    const Picture folded = pass.make(height / block, width / block, config_.in_channels);
    pixel_unshuffle(context, ConstImageView(pixels, height, width), block, folded.view());
    x = pass.convolve(folded, encoder_.in, ConvShape::same);
  }
  x = pass.run(encoder_.levels, ConvShape::downsample, std::move(x));
  if (pass.stopped()) return fail(ErrorCode::cancelled, "cancelled");
  x = pass.run(encoder_.middle, std::move(x));
  x = pass.convolve(pass.activate(x, encoder_.norm_out), encoder_.out, ConvShape::same);
  if (!encoder_.quant.empty()) x = pass.convolve(x, encoder_.quant, ConvShape::same);

  // The first half of the channels is the mean; the second, the deviation, is not used.
  Tensor tokens((height / side) * (width / side), 4 * config_.latent_channels);
  Picture mean = pass.make(x.height, x.width, config_.latent_channels);
  convert(context, x.view().pixels.col_range(0, config_.latent_channels), mean.view().pixels);
  const ImageView out{.pixels = tokens.view(), .height = height / side, .width = width / side};
  pixel_unshuffle(context, mean.view(), 2, out);
  affine_columns(context, tokens, scaling_.inverse_deviation, scaling_.inverse_mean, tokens);
  return tokens;
}

double Vae::half_flop(const Half& half, bool encoder, std::int64_t rows, std::int64_t cols) const {
  const auto conv = [](const PackedConv& c, double pixels) {
    return c.empty() ? 0.0
                     : 2.0 *
                           static_cast<double>(c.kernel() * c.kernel() * c.in_channels() *
                                               c.out_channels()) *
                           pixels;
  };
  const auto block = [&](const ResBlock& b, double pixels) {
    return conv(b.conv1, pixels) + conv(b.conv2, pixels) + conv(b.shortcut, pixels);
  };
  const double coarse = 4.0 * static_cast<double>(rows * cols);  // 2 x 2 latents per token
  const double finest = coarse * std::pow(4.0, static_cast<double>(config_.levels() - 1));
  double flop = conv(half.quant, coarse) + conv(half.in, encoder ? finest : coarse) +
                conv(half.out, encoder ? coarse : finest) + block(half.middle.first, coarse) +
                block(half.middle.second, coarse);
  if (half.middle.attention.has_value()) {
    const auto c = static_cast<double>(half.middle.attention->out.n());
    flop += 8.0 * coarse * c * c + 4.0 * coarse * coarse * c;
  }
  double pixels = encoder ? finest : coarse;
  for (const Level& level : half.levels) {
    for (const ResBlock& b : level.blocks) flop += block(b, pixels);
    if (level.resample.empty()) continue;
    pixels *= encoder ? 0.25 : 4.0;
    flop += conv(level.resample, pixels);
  }
  return flop;
}

double Vae::decode_flop(std::int64_t rows, std::int64_t cols) const {
  return half_flop(decoder_, false, rows, cols);
}

std::int64_t Vae::decode_bytes(std::int64_t rows, std::int64_t cols) const {
  const DType act = format_.activations;
  std::int64_t pixels = 4 * rows * cols;  // 2 x 2 latents per token
  std::int64_t most = 0;
  const auto at_once = [&](std::int64_t bytes) { most = std::max(most, bytes); };
  // Each as the pass goes through it; returns what the block leaves.
  const auto block = [&](const ResBlock& b, std::int64_t x) {
    const std::int64_t in = b.conv1.in_channels();
    const std::int64_t out = b.conv1.out_channels();
    const std::int64_t inner = matrix_bytes(pixels, out, act);
    at_once(x + matrix_bytes(pixels, in, act) + inner);
    at_once(x + 2 * inner);
    if (b.shortcut.empty()) return x;
    const std::int64_t sum = matrix_bytes(pixels, out, DType::f32);
    at_once(x + inner + sum);
    return sum;
  };
  std::int64_t x = matrix_bytes(pixels, decoder_.in.out_channels(), DType::f32);
  x = block(decoder_.middle.first, x);
  if (decoder_.middle.attention.has_value())
    at_once(x + matrix_bytes(pixels, 4 * decoder_.middle.attention->out.n(), act));
  x = block(decoder_.middle.second, x);
  for (std::size_t i = 0; i < decoder_.levels.size(); ++i) {
    const Level& level = decoder_.levels[i];
    for (const ResBlock& b : level.blocks) x = block(b, x);
    if (level.resample.empty()) continue;
    pixels *= 4;
    const bool summed = decoder_.levels[i + 1].blocks.front().shortcut.empty();
    const std::int64_t larger =
        matrix_bytes(pixels, level.resample.out_channels(), summed ? DType::f32 : act);
    at_once(x + larger);
    x = larger;
  }
  const std::int64_t active = matrix_bytes(pixels, decoder_.out.in_channels(), act);
  at_once(x + active);
  const std::int64_t folded =
      config_.border_shuffle == 1 ? 0 : matrix_bytes(pixels, config_.out_channels, DType::f32);
  at_once(active + folded + matrix_bytes(pixels, config_.out_channels, DType::f32));
  return most + ActivationPool::kept_bytes(most);
}

double Vae::encode_flop(std::int64_t rows, std::int64_t cols) const {
  return half_flop(encoder_, true, rows, cols);
}

}  // namespace imagined::engine
