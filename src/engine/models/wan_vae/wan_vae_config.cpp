#include "engine/models/wan_vae/wan_vae_config.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>

#include "engine/formats/json.h"
#include "engine/formats/weight_shapes.h"
#include "engine/models/common/config_rules.h"

namespace imagined::engine {
namespace {

constexpr std::size_t kMaxLevels = 8;

// Of the published autoencoder, whose file does not say them.
// Source: Wan 2.2, `vae2_2.py`; Wan2.2-TI2V-5B-Diffusers, vae/config.json.
constexpr double kMean[] = {-0.2289, -0.0052, -0.1323, -0.2339, -0.2799, 0.0174,  0.1838,  0.1557,
                            -0.1382, 0.0542,  0.2813,  0.0891,  0.1570,  -0.0098, 0.0375,  -0.1825,
                            -0.2246, -0.1207, -0.0698, 0.5109,  0.2665,  -0.2108, -0.2158, 0.2502,
                            -0.2055, -0.0322, 0.1109,  0.1567,  -0.0729, 0.0899,  -0.2799, -0.1230,
                            -0.0313, -0.1649, 0.0117,  0.0723,  -0.2839, -0.2083, -0.0520, 0.3748,
                            0.0152,  0.1957,  0.1433,  -0.2944, 0.3573,  -0.0548, -0.1681, -0.0667};
constexpr double kDeviation[] = {
    0.4765, 1.0364, 0.4514, 1.1677, 0.5313, 0.4990, 0.4818, 0.5013, 0.8158, 1.0344, 0.5894, 1.0901,
    0.6885, 0.6165, 0.8454, 0.4978, 0.5759, 0.3523, 0.7135, 0.6804, 0.5833, 1.4146, 0.8986, 0.5659,
    0.7069, 0.5338, 0.4889, 0.4917, 0.4069, 0.4999, 0.6866, 0.4093, 0.5709, 0.6065, 0.6415, 0.4944,
    0.5726, 1.2042, 0.5458, 1.6887, 0.3971, 1.0600, 0.3943, 0.5537, 0.5444, 0.4089, 0.7468, 0.7744};
static_assert(std::size(kMean) == std::size(kDeviation));

/// A level's shortcut takes means of neighbouring channels or repeats them: how many must be whole.
/// in, out  channels; factor  values of the finer side that become one of the coarser.
void check_shortcut(ConfigReader& reader, const char* key, std::int64_t coarse, std::int64_t fine,
                    std::int64_t factor) {
  if (fine * factor % coarse != 0)
    reader.refuse(
        key, fmt::format("{} channels in {} positions make no {} channels", fine, factor, coarse));
}

void check_shortcuts(ConfigReader& reader, const WanVaeConfig& config) {
  for (std::size_t i = 0; i < config.widths.size(); ++i) {
    const bool last = i + 1 == config.widths.size();
    const std::int64_t factor = last ? 1 : config.halves_time[i] ? 8 : 4;
    const std::int64_t above = i == 0 ? 1 : config.widths[i - 1];
    check_shortcut(reader, "base_dim", config.widths[i] * config.encoder_width,
                   above * config.encoder_width, factor);
    if (i == 0) continue;
    // The decoder's level i goes up to level i - 1.
    check_shortcut(reader, "decoder_base_dim", config.widths[i] * config.decoder_width,
                   config.widths[i - 1] * config.decoder_width, config.halves_time[i - 1] ? 8 : 4);
  }
}

}  // namespace

std::int64_t WanVaeConfig::frames_per_latent() const {
  return std::int64_t{1} << std::count(halves_time.begin(), halves_time.end(), true);
}

Result<WanVaeConfig> parse_wan_vae_config(std::string_view text, std::string_view file) {
  ConfigReader reader = TRY(ConfigReader::parse(text, file));
  WanVaeConfig config;
  check_class(reader, "AutoencoderKLWan");
  if (!reader.boolean_or("is_residual", false))
    reader.refuse("is_residual",
                  "false: the autoencoder of Wan 2.1, which Wan 2.1 and the A14B models have, is "
                  "not supported; only that of Wan2.2-TI2V-5B is",
                  ErrorCode::unimplemented);
  if (reader.has("attn_scales") && !reader.numbers_or("attn_scales", {}, kMaxLevels).empty())
    reader.refuse("attn_scales", "attention within levels is not supported",
                  ErrorCode::unimplemented);
  config.latent_channels = reader.integer_or("z_dim", 16, kSizes);
  config.encoder_width = reader.integer_or("base_dim", 96, kSizes);
  config.decoder_width = reader.integer_or("decoder_base_dim", config.encoder_width, kSizes);
  config.widths = reader.integers_or("dim_mult", config.widths, kMaxLevels, {1, 64});
  config.blocks_per_level = reader.integer_or("num_res_blocks", 2, {1, 100});
  config.halves_time = reader.booleans_or("temperal_downsample", config.halves_time, kMaxLevels);
  config.patch = reader.integer_or("patch_size", 1, {1, 8});
  config.mean = reader.numbers_or("latents_mean", {}, 1 << 12);
  config.deviation = reader.numbers_or("latents_std", {}, 1 << 12);
  if (config.widths.size() < 2 || config.halves_time.size() + 1 != config.widths.size()) {
    reader.refuse("temperal_downsample",
                  fmt::format("expected one less than the {} levels of dim_mult, found {}",
                              config.widths.size(), config.halves_time.size()));
    return tl::unexpected(reader.finish().error());
  }
  const auto channels = static_cast<std::size_t>(config.latent_channels);
  if (config.mean.size() != channels || config.deviation.size() != channels)
    reader.refuse("latents_mean",
                  fmt::format("{} means and {} deviations of {} channels (z_dim)",
                              config.mean.size(), config.deviation.size(), channels));
  if (std::ranges::any_of(config.deviation, [](double value) { return !(value > 0); }))
    reader.refuse("latents_std", "expected numbers above 0");
  const std::int64_t folded = 3 * config.patch * config.patch;
  reader.only("in_channels", folded);
  reader.only("out_channels", folded);
  reader.only("scale_factor_spatial", config.pixels_per_latent());
  reader.only("scale_factor_temporal", config.frames_per_latent());
  check_shortcuts(reader, config);
  TRY(reader.finish());
  return config;
}

Result<WanVaeConfig> detect_wan_vae(const WeightSource& weights) {
  WeightShapes shapes(weights);
  WanVaeConfig config;
  config.latent_channels = shapes.size("post_quant_conv.weight", 2, 0);
  constexpr std::int64_t kOlderChannels = 16;
  if (config.latent_channels == kOlderChannels)
    return fail(ErrorCode::unimplemented,
                "the autoencoder of Wan 2.1, which Wan 2.1 and the A14B models have, is not "
                "supported; only that of Wan2.2-TI2V-5B is");
  if (config.latent_channels != std::ssize(kMean))
    return fail(ErrorCode::invalid_argument,
                fmt::format("no tensor tells how the {} latent channels of this Wan autoencoder "
                            "are normalised; vae/config.json beside the file would",
                            config.latent_channels));
  config.mean.assign(std::begin(kMean), std::end(kMean));
  config.deviation.assign(std::begin(kDeviation), std::end(kDeviation));
  constexpr std::int64_t kTaps = 27;  // of a filter over time and space
  config.encoder_width = shapes.size("encoder.conv_in.weight", 2, 0);
  config.decoder_width = shapes.size("decoder.norm_out.gamma", 1, 0);
  const std::int64_t folded = shapes.exact_ratio(shapes.size("encoder.conv_in.weight", 2, 1), kTaps,
                                                 "numbers of encoder.conv_in over 3x3x3");
  config.patch = std::lround(std::sqrt(static_cast<double>(folded) / 3));
  if (3 * config.patch * config.patch != folded)
    shapes.refuse(fmt::format("encoder.conv_in: {} channels are no folded RGB", folded));
  config.blocks_per_level = shapes.count("encoder.down_blocks.0.resnets.");
  config.widths.clear();
  config.halves_time.clear();
  const std::int64_t levels = shapes.count("encoder.down_blocks.");
  if (levels < 2 || levels > static_cast<std::int64_t>(kMaxLevels))
    shapes.refuse(
        fmt::format("encoder.down_blocks: {} levels, 2 to {} are supported", levels, kMaxLevels));
  for (std::int64_t i = 0; i < levels; ++i) {
    const std::string at = fmt::format("encoder.down_blocks.{}.", i);
    config.widths.push_back(shapes.exact_ratio(shapes.size(at + "resnets.0.conv1.weight", 2, 0),
                                               config.encoder_width, "a level's width"));
    if (i + 1 < levels)
      config.halves_time.push_back(shapes.has(at + "downsampler.time_conv.weight"));
  }
  TRY(shapes.finish());
  return config;
}

}  // namespace imagined::engine
