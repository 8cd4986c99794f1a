#include "engine/families/flux2_parts.h"

#include <fmt/core.h>

#include <tuple>

#include "engine/models/flux2/flux2_names.h"
#include "engine/models/vae/vae_names.h"

namespace imagined::engine {
namespace {

/// Everything that a file of weights shows; the RoPE axes and epsilons are not among it.
bool have_same_flux2_shapes(const Flux2Config& a, const Flux2Config& b) {
  const auto shapes = [](const Flux2Config& c) {
    return std::tuple(c.in_channels, c.out_channels, c.double_blocks, c.single_blocks, c.heads,
                      c.head_dim, c.context_size, c.mlp_size, c.timestep_channels);
  };
  return shapes(a) == shapes(b);
}

}  // namespace

Result<> check_flux2_text(const TextConfig& text, const Flux2Config& transformer,
                          const Qwen3Config& encoder) {
  const auto taps = static_cast<std::int64_t>(text.taps.size());
  for (const std::int64_t tap : text.taps)
    if (tap > encoder.layers)
      return fail(ErrorCode::invalid_argument,
                  fmt::format("text_encoder_out_layers: {}, but the text encoder has {} layers",
                              tap, encoder.layers));
  if (taps * encoder.hidden_size == transformer.context_size) return {};
  return fail(
      ErrorCode::invalid_argument,
      fmt::format("joint_attention_dim is {}, expected {} ({} taps of text features of width {})",
                  transformer.context_size, taps * encoder.hidden_size, taps, encoder.hidden_size));
}

Result<> check_flux2_vae(const VaeConfig& vae, const Flux2Config& transformer) {
  if (vae.scaling_factor)
    return fail(ErrorCode::invalid_argument,
                "the VAE has a scaling_factor: it is one of FLUX.1, not of FLUX.2");
  const std::int64_t channels = 4 * vae.latent_channels;
  if (transformer.in_channels == channels && transformer.out_channels == channels) return {};
  return fail(
      ErrorCode::invalid_argument,
      fmt::format(
          "the transformer takes {} channels and gives {}, expected {} (2x2 patches of {} latent "
          "channels)",
          transformer.in_channels, transformer.out_channels, channels, vae.latent_channels));
}

Result<Flux2Config> take_flux2_transformer(const ModelFiles& files) {
  return files.transformer_config<Flux2Config>({.part = "transformer",
                                                .names = flux2_names(),
                                                .parse = parse_flux2_config,
                                                .detect = detect_flux2,
                                                .fits = {}},
                                               have_same_flux2_shapes);
}

Result<VaeConfig> take_flux2_vae(ModelFiles& files, const Flux2Config& transformer,
                                 ModelPlan& plan) {
  return files.take<VaeConfig>(
      {.part = "vae",
       .names = vae_names(),
       .parse = parse_vae_config,
       .detect = detect_vae,
       .fits = [&](const VaeConfig& vae) { return check_flux2_vae(vae, transformer); }},
      plan);
}

}  // namespace imagined::engine
