#include "engine/models/wan_vae/wan_vae.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

#include "engine/backend/cpu/rows.h"
#include "engine/models/common/work_cost.h"
#include "engine/ops/attention/attention.h"
#include "engine/ops/convert/convert.h"
#include "engine/ops/pixel_shuffle/pixel_shuffle.h"
#include "engine/ops/rms_norm/rms_norm.h"

namespace imagined::engine {
namespace {

// F.normalize has none that counts: rows of zeros stay zeros.
constexpr float kNormEpsilon = 1e-30f;

}  // namespace

struct WanVae::Frame {
  Tensor pixels;  // [height * width, channels]
  std::int64_t height = 0;
  std::int64_t width = 0;

  Frame() = default;
  Frame(std::int64_t rows, std::int64_t cols, std::int64_t channels, DType dtype)
      : pixels(rows * cols, channels, dtype), height(rows), width(cols) {}
  bool empty() const { return pixels.empty(); }
  std::int64_t channels() const { return pixels.cols(); }
  ImageView view() { return {.pixels = pixels.view(), .height = height, .width = width}; }
  ConstImageView view() const { return {pixels.view(), height, width}; }
};

/// The frames that a convolution over time has seen before this one; of the first frame there are
/// none, which counts as zeros.
class WanVae::Pass {
 public:
  struct Seen {
    Frame before, last;
  };

  /// seen  of each convolution over time; null where there is one frame alone.
  Pass(const Context& context, const WanVae& vae, std::map<const FrameConv*, Seen>* seen)
      : context_(context), vae_(vae), seen_(seen) {}

  Frame make(std::int64_t height, std::int64_t width, std::int64_t channels) const {
    return {height, width, channels, DType::f32};
  }

  /// out = conv(what make_in gives and the frames before it) (+ residual, which may be out itself);
  /// what it gives is what the next frame sees. The frames before it come first, so that the oldest
  /// has left its memory when it is made.
  template <class MakeIn>
  void convolve(const FrameConv& conv, ImageView out, const MakeIn& make_in,
                const ConstImageView* residual = nullptr) {
    const ConstImageView sum = out;
    Seen* const seen = seen_ == nullptr ? nullptr : &(*seen_)[&conv];
    if (seen != nullptr) {
      const Frame* const earlier[] = {&seen->before, &seen->last};
      for (std::size_t tap = 0; tap + 1 < kTaps; ++tap) {
        if (earlier[tap]->empty()) continue;
        conv2d(context_, earlier[tap]->view(), conv.taps[tap], ConvShape::same, out,
               {.residual = residual});
        residual = &sum;
      }
      seen->before = std::move(seen->last);
    }
    Frame in = make_in();
    conv2d(context_, std::as_const(in).view(), conv.now(), ConvShape::same, out,
           {.residual = residual});
    if (seen != nullptr) seen->last = std::move(in);
  }
  /// The same of what `make_in` makes of x, which is as large.
  template <class MakeIn>
  Frame convolve(const Frame& x, const FrameConv& conv, const MakeIn& make_in) {
    Frame out = make(x.height, x.width, conv.now().out_channels());
    convolve(conv, out.view(), make_in);
    return out;
  }
  Frame convolve(Frame in, const FrameConv& conv) {
    return convolve(in, conv, [&in] { return std::move(in); });
  }

  /// Norm and SiLU, in the type that products read.
  Frame active(const Frame& in, const Vector& norm) const {
    Frame out(in.height, in.width, in.channels(), vae_.format_.activations);
    rms_norm_silu(context_, in.pixels, norm, kNormEpsilon, out.pixels);
    return out;
  }

  Frame run(const ResBlock& block, Frame x) {
    Frame inner =
        active(convolve(x, block.conv1, [&] { return active(x, block.norm1); }), block.norm2);
    if (!block.shortcut.empty()) {
      Frame sum = make(x.height, x.width, block.shortcut.out_channels());
      conv2d(context_, std::as_const(x).view(), block.shortcut, ConvShape::same, sum.view());
      x = std::move(sum);
    }
    const ConstImageView residual = x.view();
    convolve(
        block.conv2, x.view(), [&inner] { return std::move(inner); }, &residual);
    return x;
  }

  void run(const Attention& attention, Frame& x) const {
    const std::int64_t channels = x.channels();
    const std::int64_t pixels = x.pixels.rows();
    const DType act = vae_.format_.activations;
    Tensor normed(pixels, channels, act);
    rms_norm(context_, x.pixels, attention.norm, kNormEpsilon, normed);
    Tensor qkv(pixels, 3 * channels, act);
    apply(context_, normed, attention.qkv, qkv);
    const MatrixView all = qkv;
    engine::attention(
        context_, all.col_range(0, channels), all.col_range(channels, channels),
        all.col_range(2 * channels, channels),
        {.head_dim = channels, .scale = 1.0f / std::sqrt(static_cast<float>(channels))}, normed);
    apply(context_, normed, attention.out, x.pixels, {.accumulate = true});
  }

  Frame run(const Middle& middle, Frame x) {
    x = run(middle.first, std::move(x));
    run(middle.attention, x);
    return run(middle.second, std::move(x));
  }

  /// A frame for the convolution in time alone, which rounds it as products do.
  Frame rounded(const Frame& in) const {
    Frame out(in.height, in.width, in.channels(), vae_.format_.activations);
    convert(context_, in.pixels, out.pixels);
    return out;
  }

  const Context& context() const { return context_; }

 private:
  const Context& context_;
  const WanVae& vae_;
  std::map<const FrameConv*, Seen>* const seen_;
};

namespace {

/// Adds to each pixel of a frame what stands at its place in a coarser one: the channels of the
/// coarser one, each repeated, are a channel's frames, rows and columns.
///
///   out[2 y + i][2 x + j][o] += in[y][x][(((o * frames + frame) * 2 + i) * 2 + j) / repeats]
///
/// repeats = out channels * frames * 4 / in channels.
/// Source: diffusers, `DupUp3D`.
void add_enlarged(const Context& context, ConstImageView in, std::int64_t frames,
                  std::int64_t frame, ImageView out) {
  const std::int64_t channels = out.pixels.cols;
  const std::int64_t repeats = channels * frames * 4 / in.pixels.cols;
  std::vector<std::int32_t> from(static_cast<std::size_t>(4 * channels));
  for (std::int64_t place = 0; place < 4; ++place)
    for (std::int64_t o = 0; o < channels; ++o)
      from[static_cast<std::size_t>(place * channels + o)] =
          static_cast<std::int32_t>(((o * frames + frame) * 4 + place) / repeats);
  for_row_pieces(
      context, out.height, out.width * channels * 8, [&](std::int64_t first, std::int64_t count) {
        for (std::int64_t y = first; y < first + count; ++y)
          for (std::int64_t x = 0; x < out.width; ++x) {
            const float* const source = in.pixels.row<float>(y / 2 * in.width + x / 2);
            const std::int32_t* const index = from.data() + (y % 2 * 2 + x % 2) * channels;
            float* const sum = out.pixels.row<float>(y * out.width + x);
            for (std::int64_t o = 0; o < channels; ++o) sum[o] += source[index[o]];
          }
      });
}

/// Adds to each pixel of a frame the means of what stands at its place in a finer one: a channel's
/// frames, rows and columns in a row, of which neighbours are averaged. The finer frame is the last
/// one of `frames`, of which the others are zeros, as behind the first frame of a clip.
///
/// side  of the square of pixels that becomes one: 1 or 2.
/// Source: diffusers, `AvgDown3D`.
void add_reduced(const Context& context, ConstImageView in, std::int64_t frames, std::int64_t side,
                 ImageView out) {
  const std::int64_t area = side * side;
  const std::int64_t group = in.pixels.cols * frames * area / out.pixels.cols;
  const float share = 1.0f / static_cast<float>(group);
  for_row_pieces(context, out.height, out.width * in.pixels.cols * area * 8,
                 [&](std::int64_t first, std::int64_t count) {
                   for (std::int64_t y = first; y < first + count; ++y)
                     for (std::int64_t x = 0; x < out.width; ++x) {
                       float* const sum = out.pixels.row<float>(y * out.width + x);
                       for (std::int64_t o = 0; o < out.pixels.cols; ++o) {
                         float total = 0;
                         for (std::int64_t k = o * group; k < (o + 1) * group; ++k) {
                           const std::int64_t place = k % area;
                           const std::int64_t of_channel = k / area;
                           if (of_channel % frames + 1 < frames) continue;
                           const std::int64_t row = (y * side + place / side) * in.width + x * side;
                           total += in.pixels.row<float>(row + place % side)[of_channel / frames];
                         }
                         sum[o] += total * share;
                       }
                     }
                 });
}

}  // namespace

/// What the decoder's convolutions remember between frames.
class WanVae::Decoder final : public ClipDecoder {
 public:
  /// alone  no frame follows the first one.
  Decoder(const Context& context, const WanVae& vae, std::int64_t rows, std::int64_t cols,
          bool alone)
      : vae_(vae), rows_(rows), cols_(cols), pass_(context, vae, alone ? nullptr : &seen_) {}

  Result<Tensor> next(ConstMatrixView tokens, const std::stop_token& stop) override {
    const std::int64_t channels = vae_.config_.latent_channels;
    CHECK(tokens.rows == rows_ * cols_ && tokens.cols == 4 * channels,
          "tokens [{}, {}] on a {} x {} grid", tokens.rows, tokens.cols, rows_, cols_);
    const Context& context = pass_.context();
    Frame latents = pass_.make(rows_, cols_, 4 * channels);
    affine_columns(context, tokens, vae_.scaling_.deviation, vae_.scaling_.mean, latents.pixels);
    Frame unfolded = pass_.make(2 * rows_, 2 * cols_, channels);
    pixel_shuffle(context, std::as_const(latents).view(), 2, unfolded.view());
    Frame x = pass_.make(2 * rows_, 2 * cols_, channels);
    conv2d(context, std::as_const(unfolded).view(), vae_.post_quant_, ConvShape::same, x.view());

    const std::int64_t side = vae_.pixels_per_token();
    const std::int64_t frames = first_ ? 1 : vae_.frames_per_latent();
    pixels_ = Tensor(frames * rows_ * side * cols_ * side, 3);
    written_ = 0;
    x = pass_.run(vae_.decoder_.middle, pass_.convolve(std::move(x), vae_.decoder_.in));
    TRY(run_level(0, std::move(x), stop));
    CHECK(written_ == frames, "{} frames of {}", written_, frames);
    first_ = false;
    return std::move(pixels_);
  }

 private:
  /// Frames of level `index` and all that they become, one to its end before the other begins.
  Result<> run_level(std::size_t index, Frame x, const std::stop_token& stop) {
    if (index == vae_.decoder_.levels.size()) {
      write(x);
      return {};
    }
    const Level& level = vae_.decoder_.levels[index];
    Frame before;  // what the shortcut reads
    if (!level.resample.empty()) {
      before = pass_.make(x.height, x.width, x.channels());
      convert(pass_.context(), x.pixels, before.pixels);
    }
    for (const ResBlock& block : level.blocks) {
      if (stop.stop_requested()) return fail(ErrorCode::cancelled, "cancelled");
      x = pass_.run(block, std::move(x));
    }
    if (level.resample.empty()) return run_level(index + 1, std::move(x), stop);
    const std::int64_t frames = level.halves_time ? 2 : 1;
    const bool splits = level.halves_time && !first_;
    if (splits)  // what the frames are made of waits in the type that products read
      x = pass_.rounded(pass_.convolve(x, level.time, [&] { return pass_.rounded(x); }));
    for (std::int64_t frame = splits ? 0 : frames - 1; frame < frames; ++frame) {
      Frame larger = pass_.make(2 * x.height, 2 * x.width, level.out);
      const std::int64_t column = splits ? frame * level.out : 0;
      conv2d(pass_.context(),
             {std::as_const(x.pixels).view().col_range(column, level.out), x.height, x.width},
             level.resample, ConvShape::upsample, larger.view());
      add_enlarged(pass_.context(), std::as_const(before).view(), frames, frame, larger.view());
      if (frame + 1 == frames) {
        x = {};
        before = {};
      }
      TRY(run_level(index + 1, std::move(larger), stop));
    }
    return {};
  }

  void write(const Frame& x) {
    Frame folded = pass_.convolve(pass_.active(x, vae_.decoder_.norm_out), vae_.decoder_.out);
    const std::int64_t patch = vae_.config_.patch;
    const std::int64_t height = folded.height * patch;
    const std::int64_t width = folded.width * patch;
    const MatrixView out = pixels_.view().row_range(written_ * height * width, height * width);
    pixel_shuffle(pass_.context(), std::as_const(folded).view(), patch,
                  {.pixels = out, .height = height, .width = width});
    // The reference's decoder ends so.
    for_element_spans(pass_.context(), out.rows, out.cols, true,
                      [&](std::int64_t, std::int64_t first, std::int64_t count) {
                        float* const values = out.row<float>(0) + first;
                        for (std::int64_t i = 0; i < count; ++i)
                          values[i] = std::min(std::max(values[i], -1.0f), 1.0f);
                      });
    ++written_;
  }

  const WanVae& vae_;
  const std::int64_t rows_, cols_;
  std::map<const FrameConv*, Pass::Seen> seen_;
  Pass pass_;
  bool first_ = true;
  Tensor pixels_;  // of the latent frame in hand
  std::int64_t written_ = 0;
};

Result<Tensor> WanVae::decode(const Context& context, ConstMatrixView tokens, std::int64_t rows,
                              std::int64_t cols, ActivationPool& /*pool*/,
                              const std::stop_token& stop) const {
  return Decoder(context, *this, rows, cols, true).next(tokens, stop);
}

std::unique_ptr<ClipDecoder> WanVae::begin_clip(const Context& context, std::int64_t rows,
                                                std::int64_t cols, ActivationPool& /*pool*/) const {
  return std::make_unique<Decoder>(context, *this, rows, cols, false);
}

Result<Tensor> WanVae::encode(const Context& context, ConstMatrixView pixels, std::int64_t height,
                              std::int64_t width, ActivationPool& /*pool*/,
                              const std::stop_token& stop) const {
  const std::int64_t side = pixels_per_token();
  CHECK(pixels.rows == height * width && height % side == 0 && width % side == 0,
        "picture {} x {} for tokens of {} pixels", width, height, side);
  Pass pass(context, *this, nullptr);
  const std::int64_t patch = config_.patch;
  Frame folded = pass.make(height / patch, width / patch, 3 * patch * patch);
  pixel_unshuffle(context, ConstImageView(pixels, height, width), patch, folded.view());
  Frame x = pass.convolve(std::move(folded), encoder_.in);
  for (const Level& level : encoder_.levels) {
    Frame before = pass.make(x.height, x.width, x.channels());
    convert(context, x.pixels, before.pixels);
    for (const ResBlock& block : level.blocks) {
      if (stop.stop_requested()) return fail(ErrorCode::cancelled, "cancelled");
      x = pass.run(block, std::move(x));
    }
    const bool smaller = !level.resample.empty();
    if (smaller) {
      Frame reduced = pass.make(x.height / 2, x.width / 2, level.out);
      conv2d(context, std::as_const(x).view(), level.resample, ConvShape::downsample,
             reduced.view());
      x = std::move(reduced);
    }
    add_reduced(context, std::as_const(before).view(), level.halves_time ? 2 : 1, smaller ? 2 : 1,
                x.view());
  }
  x = pass.run(encoder_.middle, std::move(x));
  x = pass.convolve(pass.active(x, encoder_.norm_out), encoder_.out);
  Frame mean = pass.make(x.height, x.width, config_.latent_channels);
  conv2d(context, std::as_const(x).view(), quant_, ConvShape::same, mean.view());
  Tensor tokens((height / side) * (width / side), 4 * config_.latent_channels);
  pixel_unshuffle(context, std::as_const(mean).view(), 2,
                  {.pixels = tokens.view(), .height = height / side, .width = width / side});
  affine_columns(context, tokens, scaling_.inverse_deviation, scaling_.inverse_mean, tokens);
  return tokens;
}

// ---- what it takes ------------------------------------------------------------------------------

namespace {

double conv_flop(const PackedConv& conv) {
  return conv.empty() ? 0.0
                      : 2.0 * static_cast<double>(conv.kernel() * conv.kernel() *
                                                  conv.in_channels() * conv.out_channels());
}

}  // namespace

double WanVae::decoder_flop(std::int64_t rows, std::int64_t cols, bool first) const {
  const auto conv = [&](const FrameConv& c) {
    double flop = conv_flop(c.now());
    if (!first)
      for (std::size_t tap = 0; tap + 1 < kTaps; ++tap) flop += conv_flop(c.taps[tap]);
    return flop;
  };
  const auto block = [&](const ResBlock& b) {
    return conv(b.conv1) + conv(b.conv2) + conv_flop(b.shortcut);
  };
  double pixels = 4.0 * static_cast<double>(rows * cols);
  const Half& half = decoder_;
  const auto c = static_cast<double>(half.middle.attention.out.weight.n());
  double flop = pixels * (conv_flop(post_quant_) + conv(half.in) + block(half.middle.first) +
                          block(half.middle.second) + 8 * c * c + 4 * pixels * c);
  for (const Level& level : half.levels) {
    for (const ResBlock& b : level.blocks) flop += pixels * block(b);
    if (level.resample.empty()) continue;
    if (!first && level.halves_time) {
      flop += pixels * conv(level.time);
      pixels *= 2;  // of all frames together
    }
    pixels *= 4;
    flop += pixels * conv_flop(level.resample);
  }
  return flop + pixels * conv(half.out);
}

double WanVae::decode_flop(std::int64_t rows, std::int64_t cols) const {
  return decoder_flop(rows, cols, true);
}

double WanVae::clip_flop(std::int64_t rows, std::int64_t cols) const {
  return decoder_flop(rows, cols, false);
}

double WanVae::encode_flop(std::int64_t rows, std::int64_t cols) const {
  const auto block = [](const ResBlock& b) {
    return conv_flop(b.conv1.now()) + conv_flop(b.conv2.now()) + conv_flop(b.shortcut);
  };
  const Half& half = encoder_;
  double pixels = 4.0 * static_cast<double>(rows * cols) *
                  std::pow(4.0, static_cast<double>(config_.levels() - 1));
  double flop = pixels * conv_flop(half.in.now());
  for (const Level& level : half.levels) {
    for (const ResBlock& b : level.blocks) flop += pixels * block(b);
    if (!level.resample.empty()) pixels *= 0.25;
    flop += pixels * conv_flop(level.resample);
  }
  const auto c = static_cast<double>(half.middle.attention.out.weight.n());
  return flop +
         pixels * (block(half.middle.first) + block(half.middle.second) +
                   conv_flop(half.out.now()) + conv_flop(quant_) + 8 * c * c + 4 * pixels * c);
}

/// frames  that come of a latent frame.
std::int64_t WanVae::decoder_bytes(std::int64_t rows, std::int64_t cols,
                                   std::int64_t frames) const {
  const DType act = format_.activations;
  std::int64_t pixels = 4 * rows * cols;
  std::int64_t waiting = 0;  // at coarser levels, while the first of two frames is finished
  std::int64_t most = 0;
  const auto at_once = [&](std::int64_t bytes) { most = std::max(most, waiting + bytes); };
  for (const Level& level : decoder_.levels) {
    // What the shortcut of the level reads, and a block: its input and what the first convolution
    // gives, with the input, active, which a clip remembers, or with that one, active.
    const std::int64_t before =
        level.resample.empty() ? 0 : matrix_bytes(pixels, level.in, DType::f32);
    at_once(before + matrix_bytes(pixels, level.in + level.out, DType::f32) +
            std::max(frames > 1 ? 0 : matrix_bytes(pixels, level.in, act),
                     matrix_bytes(pixels, level.out, act)));
    if (level.resample.empty()) continue;
    const bool splits = level.halves_time && frames > 1;
    const std::int64_t kept = before + (splits ? matrix_bytes(pixels, 2 * level.out, act)
                                               : matrix_bytes(pixels, level.out, DType::f32));
    if (splits)  // the same before it is rounded
      at_once(kept + matrix_bytes(pixels, 3 * level.out, DType::f32));
    at_once(kept + matrix_bytes(4 * pixels, level.out, DType::f32));
    if (splits) waiting += kept;
    pixels *= 4;
  }
  const Level& last = decoder_.levels.back();
  const std::int64_t folded = 3 * config_.patch * config_.patch;
  at_once(matrix_bytes(pixels, last.out + folded, DType::f32) +
          matrix_bytes(pixels, last.out, act));
  // What a convolution gathers of its input, the result, and the latents that were read.
  return most + most / 16 + matrix_bytes(frames * pixels, folded, DType::f32) +
         matrix_bytes(4 * rows * cols, 3 * config_.latent_channels, DType::f32);
}

std::int64_t WanVae::decode_bytes(std::int64_t rows, std::int64_t cols) const {
  return decoder_bytes(rows, cols, 1);
}

std::int64_t WanVae::clip_bytes(std::int64_t rows, std::int64_t cols) const {
  std::int64_t pixels = 4 * rows * cols;
  std::int64_t remembered = 0;
  const auto conv = [&](const FrameConv& c) {
    remembered += matrix_bytes(2 * pixels, c.now().in_channels(), format_.activations);
  };
  const auto block = [&](const ResBlock& b) {
    conv(b.conv1);
    conv(b.conv2);
  };
  const Half& half = decoder_;
  conv(half.in);
  block(half.middle.first);
  block(half.middle.second);
  for (const Level& level : half.levels) {
    for (const ResBlock& b : level.blocks) block(b);
    if (!level.time.empty()) conv(level.time);
    if (!level.resample.empty()) pixels *= 4;
  }
  conv(half.out);
  return remembered + decoder_bytes(rows, cols, frames_per_latent());
}

}  // namespace imagined::engine
