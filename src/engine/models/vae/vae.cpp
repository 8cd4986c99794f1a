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

namespace {

/// The row of the picture before a convolution from which on it is read for `row` of the result.
std::int64_t first_read(ConvShape shape, std::int64_t row) {
  switch (shape) {
    case ConvShape::same:
      return std::max<std::int64_t>(row - 1, 0);
    case ConvShape::downsample:
      return 2 * row;
    case ConvShape::upsample:
      return std::max<std::int64_t>(row - 1, 0) / 2;
  }
  return 0;
}

}  // namespace

/// One run through the encoder or the decoder. Statistics of norms are always exact, and of the
/// whole picture; what a norm makes of its pixels is there for a band of rows at a time, while a
/// convolution reads it. What is only read again by a norm or a convolution has the dtype of the
/// products, and so has the residual stream of a decoder's finest level, which is the largest of
/// all; elsewhere it is f32. A picture that nobody reads again leaves its memory band by band.
class Vae::Pass {
 public:
  Pass(const Context& context, const Vae& vae, ActivationPool& pool, const std::stop_token& stop,
       std::int64_t band_bytes)
      : context_(context), vae_(vae), pool_(pool), stop_(stop), band_bytes_(band_bytes) {}

  Picture make(std::int64_t height, std::int64_t width, std::int64_t channels,
               DType dtype = DType::f32) {
    return {pool_.take(height * width, channels, dtype), height, width};
  }
  bool stopped() const { return stop_.stop_requested(); }

  Picture convolve(const Picture& in, const PackedConv& conv) {
    return convolve(ConstImageView(in.view()), conv);
  }
  Picture convolve(ConstImageView in, const PackedConv& conv) {
    Picture out = make(in.height, in.width, conv.out_channels());
    conv2d(context_, in, conv, ConvShape::same, out.view());
    return out;
  }
  /// Group norm, SiLU, convolution.
  void convolve(const Picture& in, const Norm& norm, const PackedConv& conv, ImageView out) {
    const GroupNorm active = norm_of(in, norm);
    for_bands(in, [&](std::int64_t first, std::int64_t count) {
      convolve(in, active, conv, first, rows_of(out, first, count));
    });
  }
  Picture convolve(const Picture& in, const Norm& norm, const PackedConv& conv) {
    Picture out = make(in.height, in.width, conv.out_channels());
    convolve(in, norm, conv, out.view());
    return out;
  }

  /// sums  dtype of the residual stream behind a block that begins one.
  Picture run(const ResBlock& block, Picture x, DType sums) {
    Picture inner = make(x.height, x.width, block.conv1.out_channels(), vae_.format_.activations);
    if (block.shortcut.empty()) {
      convolve(x, block.norm1, block.conv1, inner.view());
      add_convolved(inner, block.norm2, block.conv2, x);
      return x;
    }
    const GroupNorm active = norm_of(x, block.norm1);
    Picture sum = make(x.height, x.width, block.shortcut.out_channels(), sums);
    for_bands(x, [&](std::int64_t first, std::int64_t count) {
      convolve(x, active, block.conv1, first, rows_of(inner.view(), first, count));
      conv2d(context_, x.view(), block.shortcut, ConvShape::same, rows_of(sum.view(), first, count),
             {.first_row = first});
      x.memory.drain(first_read(ConvShape::same, first + count) * x.width);
    });
    x = {};
    add_convolved(inner, block.norm2, block.conv2, sum);
    return sum;
  }

  void run(const Attention& attention, const Picture& x) {
    const std::int64_t channels = x.channels();
    const std::int64_t pixels = x.height * x.width;
    const DType act = vae_.format_.activations;
    Picture normed = make(x.height, x.width, channels, act);
    group_norm(context_, x.view(), attention.norm.weight, attention.norm.bias, norm_options(false),
               normed.view());
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
    x = run(middle.first, std::move(x), DType::f32);
    if (middle.attention.has_value()) run(*middle.attention, x);
    return run(middle.second, std::move(x), DType::f32);
  }

  /// All levels; an empty picture when a stop was asked for.
  /// last  dtype of the residual stream of the last level.
  Picture run(const std::vector<Level>& levels, ConvShape resample, Picture x, DType last) {
    const auto sums = [&](std::size_t level) {
      return level + 1 == levels.size() ? last : DType::f32;
    };
    for (std::size_t i = 0; i < levels.size(); ++i) {
      for (const ResBlock& block : levels[i].blocks) {
        if (stopped()) return {};
        x = run(block, std::move(x), sums(i));
      }
      if (levels[i].resample.empty()) continue;
      // A block with a shortcut only looks at its input; any other one adds to it.
      const bool summed = levels[i + 1].blocks.front().shortcut.empty();
      x = resampled(std::move(x), levels[i].resample, resample,
                    summed ? sums(i + 1) : vae_.format_.activations);
    }
    return x;
  }

 private:
  GroupNormOptions norm_options(bool silu) const {
    return {.groups = vae_.config_.norm_groups, .epsilon = kNormEpsilon, .silu = silu};
  }
  GroupNorm norm_of(const Picture& in, const Norm& norm) {
    return GroupNorm(context_, in.view(), norm.weight, norm.bias, norm_options(true));
  }

  static ImageView rows_of(const ImageView& picture, std::int64_t first, std::int64_t count) {
    return {.pixels = picture.pixels.row_range(first * picture.width, count * picture.width),
            .height = count,
            .width = picture.width};
  }
  std::int64_t band_rows(const Picture& picture) const {
    const std::int64_t row_bytes = matrix_bytes(picture.width, picture.channels(), DType::f32);
    return std::clamp<std::int64_t>(band_bytes_ / row_bytes, 1, picture.height);
  }
  /// work(first row, rows), from the top to the bottom.
  template <class Work>
  void for_bands(const Picture& picture, const Work& work) const {
    const std::int64_t rows = band_rows(picture);
    for (std::int64_t first = 0; first < picture.height; first += rows)
      work(first, std::min(rows, picture.height - first));
  }

  /// A band of the result from `first` on: the rows of `in` that it reads are made active before.
  void convolve(const Picture& in, const GroupNorm& norm, const PackedConv& conv,
                std::int64_t first, ImageView out, const ConstImageView* residual = nullptr) {
    const std::int64_t begin = first_read(ConvShape::same, first);
    const std::int64_t end = std::min(first + out.height + 1, in.height);
    const Picture active = make(end - begin, in.width, in.channels(), vae_.format_.activations);
    norm.apply(context_, rows_of(in.view(), begin, end - begin).pixels, active.view().pixels);
    conv2d(context_, active.view(), conv, ConvShape::same, out,
           {.residual = residual, .first_row = first - begin});
  }

  Picture resampled(Picture x, const PackedConv& conv, ConvShape shape, DType dtype) {
    const bool larger = shape == ConvShape::upsample;
    Picture out =
        larger ? make(2 * x.height, 2 * x.width, conv.out_channels(), dtype)
               : make((x.height - 2) / 2 + 1, (x.width - 2) / 2 + 1, conv.out_channels(), dtype);
    for_bands(out, [&](std::int64_t first, std::int64_t count) {
      conv2d(context_, x.view(), conv, shape, rows_of(out.view(), first, count),
             {.first_row = first});
      x.memory.drain(std::min(first_read(shape, first + count), x.height) * x.width);
    });
    return out;
  }

  /// sum += conv(SiLU(norm(in))), rounded once to what `sum` holds.
  void add_convolved(const Picture& in, const Norm& norm, const PackedConv& conv,
                     const Picture& sum) {
    const GroupNorm active = norm_of(in, norm);
    const bool narrow = sum.view().pixels.dtype != DType::f32;
    const Picture band = narrow ? make(band_rows(sum), sum.width, sum.channels()) : Picture();
    for_bands(sum, [&](std::int64_t first, std::int64_t count) {
      const ImageView rows = rows_of(sum.view(), first, count);
      const ImageView wide = narrow ? rows_of(band.view(), 0, count) : rows;
      const ConstImageView residual = wide;
      if (narrow) convert(context_, rows.pixels, wide.pixels);
      convolve(in, active, conv, first, wide, &residual);
      if (narrow) convert(context_, wide.pixels, rows.pixels);
    });
  }

  const Context& context_;
  const Vae& vae_;
  ActivationPool& pool_;
  const std::stop_token& stop_;
  const std::int64_t band_bytes_;
};

Result<Tensor> Vae::decode(const Context& context, ConstMatrixView tokens, std::int64_t rows,
                           std::int64_t cols, ActivationPool& pool, const std::stop_token& stop,
                           std::int64_t band_bytes) const {
  const std::int64_t channels = 4 * config_.latent_channels;
  CHECK(tokens.rows == rows * cols && tokens.cols == channels, "tokens [{}, {}] on a {} x {} grid",
        tokens.rows, tokens.cols, rows, cols);
  Pass pass(context, *this, pool, stop, band_bytes);
  Picture x = pass.make(2 * rows, 2 * cols, config_.latent_channels);
  {
    const Picture latents = pass.make(rows, cols, channels);
    affine_columns(context, tokens, scaling_.deviation, scaling_.mean, latents.view().pixels);
    pixel_shuffle(context, latents.view(), 2, x.view());
  }
  if (!decoder_.quant.empty()) x = pass.convolve(x, decoder_.quant);
  x = pass.convolve(x, decoder_.in);
  x = pass.run(decoder_.middle, std::move(x));
  x = pass.run(decoder_.levels, ConvShape::upsample, std::move(x), format_.activations);
  if (pass.stopped()) return fail(ErrorCode::cancelled, "cancelled");
  const std::int64_t block = config_.border_shuffle;
  Tensor pixels(x.height * x.width * block * block, 3);
  const ImageView out{
      .pixels = pixels.view(), .height = x.height * block, .width = x.width * block};
  if (block == 1) {
    pass.convolve(x, decoder_.norm_out, decoder_.out, out);
  } else {
    const Picture folded = pass.convolve(x, decoder_.norm_out, decoder_.out);
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
  Pass pass(context, *this, pool, stop, kBandBytes);
  const std::int64_t block = config_.border_shuffle;
  Picture x;
  if (block == 1) {
    x = pass.convolve(ConstImageView(pixels, height, width), encoder_.in);
  } else {
    const Picture folded = pass.make(height / block, width / block, config_.in_channels);
    pixel_unshuffle(context, ConstImageView(pixels, height, width), block, folded.view());
    x = pass.convolve(folded, encoder_.in);
  }
  x = pass.run(encoder_.levels, ConvShape::downsample, std::move(x), DType::f32);
  if (pass.stopped()) return fail(ErrorCode::cancelled, "cancelled");
  x = pass.run(encoder_.middle, std::move(x));
  x = pass.convolve(x, encoder_.norm_out, encoder_.out);
  if (!encoder_.quant.empty()) x = pass.convolve(x, encoder_.quant);

  // The first half of the channels is the mean; the second, the deviation, is not used.
  Tensor tokens((height / side) * (width / side), 4 * config_.latent_channels);
  Picture mean = pass.make(x.height, x.width, config_.latent_channels);
  convert(context, x.view().pixels.col_range(0, config_.latent_channels), mean.view().pixels);
  const ImageView out{.pixels = tokens.view(), .height = height / side, .width = width / side};
  pixel_unshuffle(context, mean.view(), 2, out);
  affine_columns(context, tokens, scaling_.inverse_deviation, scaling_.inverse_mean, tokens);
  return tokens;
}

class Vae::Frames final : public ClipDecoder {
 public:
  Frames(const Vae& vae, const Context& context, std::int64_t rows, std::int64_t cols,
         ActivationPool& pool)
      : vae_(vae), context_(context), rows_(rows), cols_(cols), pool_(pool) {}
  Result<Tensor> next(ConstMatrixView tokens, const std::stop_token& stop) override {
    return vae_.decode(context_, tokens, rows_, cols_, pool_, stop);
  }

 private:
  const Vae& vae_;
  const Context& context_;
  const std::int64_t rows_, cols_;
  ActivationPool& pool_;
};

std::unique_ptr<ClipDecoder> Vae::begin_clip(const Context& context, std::int64_t rows,
                                             std::int64_t cols, ActivationPool& pool) const {
  return std::make_unique<Frames>(*this, context, rows, cols, pool);
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
  // A picture that becomes another one: what is read no more has left its memory by then.
  const auto becomes = [&](std::int64_t before, std::int64_t after) {
    at_once(ActivationPool::drains(before) ? std::max(before, after) : before + after);
  };
  // As the pass goes through it; returns what the block leaves.
  const auto block = [&](const ResBlock& b, std::int64_t x, DType sums) {
    const std::int64_t out = b.conv1.out_channels();
    const std::int64_t inner = matrix_bytes(pixels, out, act);
    const std::int64_t sum = b.shortcut.empty() ? x : matrix_bytes(pixels, out, sums);
    if (!b.shortcut.empty()) becomes(x, inner + sum);
    at_once(inner + sum);
    return sum;
  };
  std::int64_t x = matrix_bytes(pixels, decoder_.in.out_channels(), DType::f32);
  x = block(decoder_.middle.first, x, DType::f32);
  if (decoder_.middle.attention.has_value())
    at_once(x + matrix_bytes(pixels, 4 * decoder_.middle.attention->out.n(), act));
  x = block(decoder_.middle.second, x, DType::f32);
  for (std::size_t i = 0; i < decoder_.levels.size(); ++i) {
    const auto sums = [&](std::size_t level) {
      return level + 1 == decoder_.levels.size() ? act : DType::f32;
    };
    const Level& level = decoder_.levels[i];
    for (const ResBlock& b : level.blocks) x = block(b, x, sums(i));
    if (level.resample.empty()) continue;
    pixels *= 4;
    const bool summed = decoder_.levels[i + 1].blocks.front().shortcut.empty();
    const std::int64_t larger =
        matrix_bytes(pixels, level.resample.out_channels(), summed ? sums(i + 1) : act);
    becomes(x, larger);
    x = larger;
  }
  const std::int64_t out = matrix_bytes(pixels, config_.out_channels, DType::f32);
  at_once(x + (config_.border_shuffle == 1 ? out : 2 * out));
  // Two bands, one of them f32, and what the pool keeps.
  return most + std::min(most, 2 * kBandBytes) + ActivationPool::kept_bytes(most);
}

double Vae::encode_flop(std::int64_t rows, std::int64_t cols) const {
  return half_flop(encoder_, true, rows, cols);
}

}  // namespace imagined::engine
