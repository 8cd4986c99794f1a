#include "engine/models/wan_vae/wan_vae_config.h"

#include <fmt/core.h>

#include <algorithm>

#include "engine/formats/json.h"
#include "engine/models/common/config_rules.h"

namespace imagined::engine {
namespace {

constexpr std::size_t kMaxLevels = 8;

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

Result<WanVaeConfig> detect_wan_vae(const WeightSource& /*weights*/) {
  return fail(ErrorCode::invalid_argument,
              "no tensor tells how the latents of a Wan autoencoder are normalised; "
              "vae/config.json beside the file would");
}

}  // namespace imagined::engine
