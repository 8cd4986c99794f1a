// Names and shapes of the autoencoder's tensors (flux.md 3.4).
#include <fmt/format.h>

#include <array>
#include <cmath>

#include "engine/models/vae/vae.h"

namespace imagined::engine {

class Vae::Loader {
 public:
  Loader(WeightLoader& weights, const VaeConfig& config) : weights_(weights), config_(config) {}

  Result<Half> encoder();
  Result<Half> decoder();
  Result<Scaling> scaling();

 private:
  Result<Norm> norm(const std::string& name, std::int64_t channels);
  Result<ResBlock> block(const std::string& name, std::int64_t in, std::int64_t out);
  Result<Attention> attention(const std::string& name, std::int64_t channels);
  Result<Middle> middle(const std::string& name, std::int64_t channels);

  WeightLoader& weights_;
  const VaeConfig& config_;
};

Result<Vae::Norm> Vae::Loader::norm(const std::string& name, std::int64_t channels) {
  Norm norm;
  norm.weight = TRY(weights_.vector(name + ".weight", channels));
  norm.bias = TRY(weights_.vector(name + ".bias", channels));
  return norm;
}

Result<Vae::ResBlock> Vae::Loader::block(const std::string& name, std::int64_t in,
                                         std::int64_t out) {
  ResBlock block;
  block.norm1 = TRY(norm(name + ".norm1", in));
  block.conv1 = TRY(weights_.conv(name + ".conv1", out, in, 3));
  block.norm2 = TRY(norm(name + ".norm2", out));
  block.conv2 = TRY(weights_.conv(name + ".conv2", out, out, 3));
  if (in != out) block.shortcut = TRY(weights_.conv(name + ".conv_shortcut", out, in, 1));
  return block;
}

Result<Vae::Attention> Vae::Loader::attention(const std::string& name, std::int64_t channels) {
  Attention attention;
  attention.norm = TRY(norm(name + ".group_norm", channels));
  attention.qkv = TRY(weights_.linear({{name + ".to_q.weight", channels},
                                       {name + ".to_k.weight", channels},
                                       {name + ".to_v.weight", channels}},
                                      channels));
  attention.qkv_bias =
      TRY(weights_.vector(std::array<LinearPart, 3>{{{name + ".to_q.bias", channels},
                                                     {name + ".to_k.bias", channels},
                                                     {name + ".to_v.bias", channels}}}));
  attention.out = TRY(weights_.linear({{name + ".to_out.0.weight", channels}}, channels));
  attention.out_bias = TRY(weights_.vector(name + ".to_out.0.bias", channels));
  return attention;
}

Result<Vae::Middle> Vae::Loader::middle(const std::string& name, std::int64_t channels) {
  Middle middle;
  middle.first = TRY(block(name + ".resnets.0", channels, channels));
  if (config_.mid_attention) {
    middle.attention = TRY(attention(name + ".attentions.0", channels));
  }
  middle.second = TRY(block(name + ".resnets.1", channels, channels));
  return middle;
}

Result<Vae::Half> Vae::Loader::encoder() {
  const std::vector<std::int64_t>& channels = config_.encoder_channels;
  Half half;
  half.in = TRY(weights_.conv("encoder.conv_in", channels.front(), config_.in_channels, 3));
  std::int64_t in = channels.front();
  for (std::size_t i = 0; i < channels.size(); ++i) {
    const std::string at = fmt::format("encoder.down_blocks.{}", i);
    Level level;
    for (std::int64_t j = 0; j < config_.layers_per_block; ++j) {
      level.blocks.push_back(TRY(block(fmt::format("{}.resnets.{}", at, j), in, channels[i])));
      in = channels[i];
    }
    if (i + 1 < channels.size()) {
      level.resample = TRY(weights_.conv(at + ".downsamplers.0.conv", in, in, 3));
    }
    half.levels.push_back(std::move(level));
  }
  half.middle = TRY(middle("encoder.mid_block", in));
  half.norm_out = TRY(norm("encoder.conv_norm_out", in));
  half.out = TRY(weights_.conv("encoder.conv_out", 2 * config_.latent_channels, in, 3));
  if (config_.quant_conv) {
    half.quant = TRY(
        weights_.conv("quant_conv", 2 * config_.latent_channels, 2 * config_.latent_channels, 1));
  }
  return half;
}

Result<Vae::Half> Vae::Loader::decoder() {
  const std::vector<std::int64_t>& channels = config_.decoder_channels;
  Half half;
  if (config_.post_quant_conv) {
    half.quant =
        TRY(weights_.conv("post_quant_conv", config_.latent_channels, config_.latent_channels, 1));
  }
  std::int64_t in = channels.back();
  half.in = TRY(weights_.conv("decoder.conv_in", in, config_.latent_channels, 3));
  half.middle = TRY(middle("decoder.mid_block", in));
  for (std::size_t i = 0; i < channels.size(); ++i) {
    const std::int64_t out = channels[channels.size() - 1 - i];  // coarsest level first
    const std::string at = fmt::format("decoder.up_blocks.{}", i);
    Level level;
    for (std::int64_t j = 0; j <= config_.layers_per_block; ++j) {  // one more than the encoder
      level.blocks.push_back(TRY(block(fmt::format("{}.resnets.{}", at, j), in, out)));
      in = out;
    }
    if (i + 1 < channels.size()) {
      level.resample = TRY(weights_.conv(at + ".upsamplers.0.conv", in, in, 3));
    }
    half.levels.push_back(std::move(level));
  }
  half.norm_out = TRY(norm("decoder.conv_norm_out", in));
  half.out = TRY(weights_.conv("decoder.conv_out", config_.out_channels, in, 3));
  return half;
}

Result<Vae::Scaling> Vae::Loader::scaling() {
  const std::int64_t channels = 4 * config_.latent_channels;
  if (config_.scaling_factor.has_value()) {
    return make_scaling(
        std::vector<double>(static_cast<std::size_t>(channels), config_.shift_factor),
        std::vector<double>(static_cast<std::size_t>(channels), 1 / *config_.scaling_factor));
  }
  const Vector mean = TRY(weights_.vector("bn.running_mean", channels));
  const Vector variances = TRY(weights_.vector("bn.running_var", channels));
  std::vector<double> deviation;
  for (const float variance : variances.values()) {
    if (!(variance >= 0)) {
      return fail(ErrorCode::data_loss,
                  fmt::format("tensor \"bn.running_var\": variance {} of channel {}", variance,
                              deviation.size()));
    }
    deviation.push_back(std::sqrt(static_cast<double>(variance) + config_.batch_norm_epsilon));
  }
  return make_scaling({mean.values().begin(), mean.values().end()}, deviation);
}

Vae::Scaling Vae::make_scaling(const std::vector<double>& mean,
                               const std::vector<double>& deviation) {
  const auto channels = static_cast<std::int64_t>(mean.size());
  Scaling scaling{.mean = Vector(channels),
                  .deviation = Vector(channels),
                  .inverse_mean = Vector(channels),
                  .inverse_deviation = Vector(channels)};
  for (std::size_t c = 0; c < mean.size(); ++c) {
    scaling.mean.values()[c] = static_cast<float>(mean[c]);
    scaling.deviation.values()[c] = static_cast<float>(deviation[c]);
    scaling.inverse_deviation.values()[c] = static_cast<float>(1 / deviation[c]);
    scaling.inverse_mean.values()[c] = static_cast<float>(-mean[c] / deviation[c]);
  }
  return scaling;
}

Result<Vae> Vae::load(WeightLoader& weights, const VaeConfig& config) {
  Vae vae;
  vae.config_ = config;
  vae.format_ = weights.format();
  Loader loader(weights, config);
  vae.encoder_ = TRY(loader.encoder());
  vae.decoder_ = TRY(loader.decoder());
  vae.scaling_ = TRY(loader.scaling());
  return vae;
}

}  // namespace imagined::engine
