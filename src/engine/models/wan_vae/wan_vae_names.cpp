#include "engine/models/wan_vae/wan_vae_names.h"

#include <fmt/core.h>

#include <array>
#include <optional>
#include <utility>

namespace imagined::engine {
namespace {

using Pair = std::pair<std::string_view, std::string_view>;

// The beginnings of names in Wan's own files (Wan-Video/Wan2.2 vae2_2.py, as ComfyUI keeps them)
// and in diffusers' (autoencoder_kl_wan.py). Outside the halves, within one, and within a residual
// block:
constexpr std::array<Pair, 2> kOutside = {
    {{"conv1.", "quant_conv."}, {"conv2.", "post_quant_conv."}}};
constexpr std::array<Pair, 6> kHalf = {{
    {"conv1.", "conv_in."},
    {"head.0.", "norm_out."},
    {"head.2.", "conv_out."},
    {"middle.0.", "mid_block.resnets.0."},
    {"middle.1.", "mid_block.attentions.0."},
    {"middle.2.", "mid_block.resnets.1."},
}};
constexpr std::array<Pair, 5> kBlock = {{
    {"residual.0.", "norm1."},
    {"residual.2.", "conv1."},
    {"residual.3.", "norm2."},
    {"residual.6.", "conv2."},
    {"shortcut.", "conv_shortcut."},
}};

template <std::size_t Count>
std::optional<std::string> replaced(const std::array<Pair, Count>& pairs, std::string_view name) {
  for (const auto& [from, to] : pairs)
    if (name.starts_with(from)) return fmt::format("{}{}", to, name.substr(from.size()));
  return std::nullopt;
}

std::string block_rest(std::string_view rest) {
  return replaced(kBlock, rest).value_or(std::string(rest));
}

/// Of levels: `downsamples.1.downsamples.0.shortcut.bias`, of the encoder, is
/// `down_blocks.1.resnets.0.conv_shortcut.bias`; the last of a level, which is no residual block,
/// changes the size.
std::optional<std::string> level_name(std::string_view way, std::string_view rest) {
  const std::string samples = fmt::format("{}samples.", way);
  const auto level = indexed(rest, samples);
  if (!level) return std::nullopt;
  const auto part = indexed(level->rest, samples);
  if (!part) return std::nullopt;
  const std::string at = fmt::format("{}_blocks.{}", way, level->index);
  if (const auto of_block = replaced(kBlock, part->rest))
    return fmt::format("{}.resnets.{}.{}", at, part->index, *of_block);
  return fmt::format("{}.{}sampler.{}", at, way, part->rest);
}

std::string renamed(std::string_view name) {
  if (auto outside = replaced(kOutside, name)) return *outside;
  for (const auto& [half, way] : {Pair{"encoder.", "down"}, Pair{"decoder.", "up"}}) {
    if (!name.starts_with(half)) continue;
    const std::string_view rest = name.substr(half.size());
    if (const auto found = replaced(kHalf, rest)) {
      const std::size_t at = found->rfind("resnets.");
      if (at == std::string::npos) return fmt::format("{}{}", half, *found);
      const std::size_t end = at + std::string_view("resnets.0.").size();
      return fmt::format("{}{}{}", half, found->substr(0, end), block_rest(found->substr(end)));
    }
    if (const auto found = level_name(way, rest)) return fmt::format("{}{}", half, *found);
  }
  return std::string(name);
}

/// Filters over time and space are matrices here, a row for each that comes out; the norms' factors
/// [c, 1, 1, 1] are vectors.
CanonicalNames canonical(std::string_view name, std::int64_t /*decoder_levels*/) {
  CanonicalNames out = unchanged(renamed(name));
  out.vector = name.ends_with(".gamma");
  out.matrix = !out.vector;
  return out;
}

constexpr std::array<std::string_view, 2> kAnchors = {"decoder.norm_out.gamma",
                                                      "decoder.head.0.gamma"};
constexpr std::array<std::string_view, 6> kRoots = {"encoder",         "decoder", "quant_conv",
                                                    "post_quant_conv", "conv1",   "conv2"};

}  // namespace

const NameTable& wan_vae_names() {
  static constexpr NameTable table = {.what = "a Wan autoencoder",
                                      .anchors = kAnchors,
                                      .roots = kRoots,
                                      .beside = {},
                                      .relatives = {},
                                      .canonical = canonical};
  return table;
}

}  // namespace imagined::engine
