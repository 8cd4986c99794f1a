// Names and shapes of the tensors of Wan's autoencoder.
#include <fmt/core.h>

#include <numeric>

#include "engine/models/wan_vae/wan_vae.h"

namespace imagined::engine {
namespace {

/// Folded pixels lie as c, column, row in Wan's files, and as c, row, column in pixel_shuffle.
std::vector<std::int64_t> folded_order(std::int64_t patch) {
  std::vector<std::int64_t> order;
  for (std::int64_t c = 0; c < 3; ++c)
    for (std::int64_t row = 0; row < patch; ++row)
      for (std::int64_t col = 0; col < patch; ++col)
        order.push_back((c * patch + col) * patch + row);
  return order;
}

std::vector<std::int64_t> same_order(std::int64_t count) {
  std::vector<std::int64_t> order(static_cast<std::size_t>(count));
  std::iota(order.begin(), order.end(), std::int64_t{0});
  return order;
}

struct ConvShapes {
  std::int64_t out = 0;
  std::int64_t in = 0;
  std::int64_t taps = 1;
  std::int64_t kernel = 3;
};

}  // namespace

class WanVae::Loader {
 public:
  /// only_now  of convolutions over time just what acts on this frame is loaded.
  Loader(WeightLoader& weights, bool only_now) : weights_(weights), only_now_(only_now) {}

  /// outs, ins  which of the file's channels becomes ours.
  Result<std::array<PackedConv, kTaps>> taps(const std::string& name, const ConvShapes& shapes,
                                             const std::vector<std::int64_t>& outs,
                                             const std::vector<std::int64_t>& ins) {
    const std::int64_t area = shapes.kernel * shapes.kernel;
    const Tensor all =
        TRY(weights_.numbers(name + ".weight", shapes.out, shapes.in * shapes.taps * area));
    const Vector stated = TRY(weights_.vector(name + ".bias", shapes.out));
    const auto count = static_cast<std::int64_t>(outs.size());
    Vector bias(count);
    for (std::size_t o = 0; o < outs.size(); ++o)
      bias.values()[o] = stated.values()[static_cast<std::size_t>(outs[o])];
    std::array<PackedConv, kTaps> packed;
    for (std::int64_t tap = only_now_ ? shapes.taps - 1 : 0; tap < shapes.taps; ++tap) {
      Tensor filter(count, shapes.in * area);
      for (std::int64_t o = 0; o < count; ++o) {
        const float* const from = all.row(outs[static_cast<std::size_t>(o)]);
        float* to = filter.row(o);
        for (const std::int64_t i : ins)
          to = std::copy_n(from + (i * shapes.taps + tap) * area, area, to);
      }
      const bool now = tap + 1 == shapes.taps;
      packed[kTaps - static_cast<std::size_t>(shapes.taps - tap)] = weights_.conv_of(
          filter, shapes.in, shapes.kernel, now ? ConstMatrixView(bias) : ConstMatrixView());
    }
    return packed;
  }

  Result<FrameConv> frame_conv(const std::string& name, std::int64_t out, std::int64_t in,
                               std::int64_t kernel = 3) {
    return FrameConv{TRY(taps(name, {.out = out, .in = in, .taps = kTaps, .kernel = kernel},
                              same_order(out), same_order(in)))};
  }
  Result<PackedConv> conv(const std::string& name, std::int64_t out, std::int64_t in,
                          std::int64_t kernel) {
    return std::move(
        TRY(taps(name, {.out = out, .in = in, .kernel = kernel}, same_order(out), same_order(in)))
            .back());
  }

  Result<ResBlock> block(const std::string& name, std::int64_t in, std::int64_t out) {
    ResBlock block;
    block.norm1 = TRY(weights_.vector(name + ".norm1.gamma", in));
    block.norm2 = TRY(weights_.vector(name + ".norm2.gamma", out));
    block.conv1 = TRY(frame_conv(name + ".conv1", out, in));
    block.conv2 = TRY(frame_conv(name + ".conv2", out, out));
    if (in != out) block.shortcut = TRY(conv(name + ".conv_shortcut", out, in, 1));
    return block;
  }

  Result<Middle> middle(const std::string& half, std::int64_t width) {
    const std::string at = half + ".mid_block.";
    Middle middle;
    middle.first = TRY(block(at + "resnets.0", width, width));
    middle.attention.norm = TRY(weights_.vector(at + "attentions.0.norm.gamma", width));
    middle.attention.qkv =
        TRY(load_linear(weights_, {{at + "attentions.0.to_qkv", 3 * width}}, width));
    middle.attention.out = TRY(load_linear(weights_, {{at + "attentions.0.proj", width}}, width));
    middle.second = TRY(block(at + "resnets.1", width, width));
    return middle;
  }

  Result<std::vector<ResBlock>> blocks(const std::string& level, std::int64_t in, std::int64_t out,
                                       std::int64_t count) {
    std::vector<ResBlock> list;
    for (std::int64_t i = 0; i < count; ++i)
      list.push_back(TRY(block(fmt::format("{}.resnets.{}", level, i), i == 0 ? in : out, out)));
    return list;
  }

  Result<Half> encoder(const WanVaeConfig& config);
  Result<Half> decoder(const WanVaeConfig& config);

 private:
  WeightLoader& weights_;
  const bool only_now_;
};

Result<WanVae::Half> WanVae::Loader::encoder(const WanVaeConfig& config) {
  Half half;
  const std::int64_t folded = 3 * config.patch * config.patch;
  std::int64_t width = config.encoder_width;
  half.in.taps = TRY(taps("encoder.conv_in", {.out = width, .in = folded, .taps = kTaps},
                          same_order(width), folded_order(config.patch)));
  for (std::size_t i = 0; i < config.widths.size(); ++i) {
    const std::string at = fmt::format("encoder.down_blocks.{}", i);
    Level level{.in = width, .out = config.widths[i] * config.encoder_width};
    width = level.out;
    level.blocks = TRY(blocks(at, level.in, level.out, config.blocks_per_level));
    if (i + 1 < config.widths.size()) {
      level.halves_time = config.halves_time[i];
      level.resample = TRY(conv(at + ".downsampler.resample.1", width, width, 3));
    }
    half.levels.push_back(std::move(level));
  }
  half.middle = TRY(middle("encoder", width));
  half.norm_out = TRY(weights_.vector("encoder.norm_out.gamma", width));
  half.out = TRY(frame_conv("encoder.conv_out", 2 * config.latent_channels, width));
  return half;
}

Result<WanVae::Half> WanVae::Loader::decoder(const WanVaeConfig& config) {
  Half half;
  std::int64_t width = config.widths.back() * config.decoder_width;
  half.in = TRY(frame_conv("decoder.conv_in", width, config.latent_channels));
  half.middle = TRY(middle("decoder", width));
  const std::size_t levels = config.widths.size();
  for (std::size_t i = 0; i < levels; ++i) {
    const std::string at = fmt::format("decoder.up_blocks.{}", i);
    Level level{.in = width, .out = config.widths[levels - 1 - i] * config.decoder_width};
    width = level.out;
    level.blocks = TRY(blocks(at, level.in, level.out, config.blocks_per_level + 1));
    if (i + 1 < levels) {
      level.halves_time = config.halves_time[levels - 2 - i];
      level.resample = TRY(conv(at + ".upsampler.resample.1", width, width, 3));
      if (level.halves_time)
        level.time = TRY(frame_conv(at + ".upsampler.time_conv", 2 * width, width, 1));
    }
    half.levels.push_back(std::move(level));
  }
  half.norm_out = TRY(weights_.vector("decoder.norm_out.gamma", width));
  const std::int64_t folded = 3 * config.patch * config.patch;
  half.out.taps = TRY(taps("decoder.conv_out", {.out = folded, .in = width, .taps = kTaps},
                           folded_order(config.patch), same_order(width)));
  return half;
}

Result<std::unique_ptr<WanVae>> WanVae::load(WeightLoader& weights, const WanVaeConfig& config) {
  auto vae = std::make_unique<WanVae>();
  vae->config_ = config;
  vae->format_ = weights.format();
  const std::int64_t latents = config.latent_channels;
  Loader encoder(weights, true);
  Loader decoder(weights, false);
  vae->encoder_ = TRY(encoder.encoder(config));
  // The second half of the channels, the deviation, is not used.
  vae->quant_ =
      std::move(TRY(encoder.taps("quant_conv", {.out = 2 * latents, .in = 2 * latents, .kernel = 1},
                                 same_order(latents), same_order(2 * latents)))
                    .back());
  vae->post_quant_ = TRY(decoder.conv("post_quant_conv", latents, latents, 1));
  vae->decoder_ = TRY(decoder.decoder(config));
  vae->make_scaling();
  return vae;
}

void WanVae::make_scaling() {
  const auto channels = static_cast<std::int64_t>(config_.mean.size());
  for (Vector* vector :
       {&scaling_.mean, &scaling_.deviation, &scaling_.inverse_mean, &scaling_.inverse_deviation})
    *vector = Vector(4 * channels);
  for (std::size_t i = 0; i < static_cast<std::size_t>(4 * channels); ++i) {
    const double mean = config_.mean[i / 4];
    const double deviation = config_.deviation[i / 4];
    scaling_.mean.values()[i] = static_cast<float>(mean);
    scaling_.deviation.values()[i] = static_cast<float>(deviation);
    scaling_.inverse_mean.values()[i] = static_cast<float>(-mean / deviation);
    scaling_.inverse_deviation.values()[i] = static_cast<float>(1 / deviation);
  }
}

}  // namespace imagined::engine
