#include "engine/models/vae/vae_names.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <utility>

namespace imagined::engine {
namespace {

/// Names inside one residual block, in both halves of the VAE.
std::string resnet_rest(std::string_view rest) {
  constexpr std::string_view kShortcut = "nin_shortcut.";
  if (rest.starts_with(kShortcut))
    return fmt::format("conv_shortcut.{}", rest.substr(kShortcut.size()));
  return std::string(rest);
}

/// `mid.block_1.norm1.weight` is `mid_block.resnets.0.norm1.weight`, and so on.
std::string mid_rest(std::string_view rest) {
  static constexpr std::array<std::pair<std::string_view, std::string_view>, 7> kMid = {{
      {"block_1.", "resnets.0."},
      {"block_2.", "resnets.1."},
      {"attn_1.norm.", "attentions.0.group_norm."},
      {"attn_1.q.", "attentions.0.to_q."},
      {"attn_1.k.", "attentions.0.to_k."},
      {"attn_1.v.", "attentions.0.to_v."},
      {"attn_1.proj_out.", "attentions.0.to_out.0."},
  }};
  for (const auto& [from, to] : kMid)
    if (rest.starts_with(from))
      return fmt::format("mid_block.{}{}", to, resnet_rest(rest.substr(from.size())));
  return fmt::format("mid.{}", rest);
}

/// One half of the VAE in BFL's names; `rest` is what follows "encoder." or "decoder.".
std::optional<std::string> vae_half(std::string_view half, std::string_view rest,
                                    std::int64_t decoder_levels) {
  const bool decoder = half == "decoder";
  if (rest.starts_with("mid.")) return fmt::format("{}.{}", half, mid_rest(rest.substr(4)));
  if (rest.starts_with("norm_out.")) return fmt::format("{}.conv_{}", half, rest);
  if (rest.starts_with("quant_conv.") || rest.starts_with("post_quant_conv."))
    return std::string(rest);
  const auto level = indexed(rest, decoder ? "up." : "down.");
  if (!level) return std::nullopt;
  const std::int64_t index = decoder ? decoder_levels - 1 - level->index : level->index;
  const std::string block =
      fmt::format("{}.{}.{}", half, decoder ? "up_blocks" : "down_blocks", index);
  if (const auto resnet = indexed(level->rest, "block."))
    return fmt::format("{}.resnets.{}.{}", block, resnet->index, resnet_rest(resnet->rest));
  const std::string_view sampler = decoder ? "upsample." : "downsample.";
  if (level->rest.starts_with(sampler))
    return fmt::format("{}.{}.0.{}", block, decoder ? "upsamplers" : "downsamplers",
                       level->rest.substr(sampler.size()));
  return std::nullopt;
}

CanonicalNames canonical(std::string_view name, std::int64_t decoder_levels) {
  CanonicalNames out = unchanged(name);
  for (const std::string_view half : {"encoder", "decoder"}) {
    if (!name.starts_with(half) || name.size() <= half.size() || name[half.size()] != '.') continue;
    if (auto renamed = vae_half(half, name.substr(half.size() + 1), decoder_levels)) {
      out.names.front() = std::move(*renamed);
      out.bfl = true;
    }
  }
  // 1x1 convolutions in BFL's file, Linears in diffusers'.
  out.matrix = out.names.front().find(".attentions.") != std::string::npos;
  return out;
}

constexpr std::array<std::string_view, 1> kAnchors = {"decoder.conv_in"};
// A Wan's, which is as this one but over time.
constexpr std::array<std::string_view, 1> kNever = {"decoder.norm_out.gamma"};
constexpr std::array<std::string_view, 5> kRoots = {"encoder", "decoder", "quant_conv",
                                                    "post_quant_conv", "bn"};

}  // namespace

const NameTable& vae_names() {
  static constexpr NameTable table = {.what = "a VAE",
                                      .anchors = kAnchors,
                                      .never = kNever,
                                      .roots = kRoots,
                                      .beside = {},
                                      .relatives = {},
                                      .canonical = canonical};
  return table;
}

}  // namespace imagined::engine
