#include "engine/formats/weight_names.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

namespace imagined::engine {
namespace {

struct Row {
  std::string_view from;
  std::vector<std::string_view> to;
};

// The tables of the two layouts of FLUX.2 (black-forest-labs/flux2 model.py against diffusers'
// transformer_flux2.py). Tensors outside the blocks:
const std::vector<Row>& flux2_rows() {
  static const std::vector<Row> rows = {
      {"img_in.weight", {"x_embedder.weight"}},
      {"txt_in.weight", {"context_embedder.weight"}},
      {"time_in.in_layer.weight", {"time_guidance_embed.timestep_embedder.linear_1.weight"}},
      {"time_in.out_layer.weight", {"time_guidance_embed.timestep_embedder.linear_2.weight"}},
      {"guidance_in.in_layer.weight", {"time_guidance_embed.guidance_embedder.linear_1.weight"}},
      {"guidance_in.out_layer.weight", {"time_guidance_embed.guidance_embedder.linear_2.weight"}},
      {"double_stream_modulation_img.lin.weight", {"double_stream_modulation_img.linear.weight"}},
      {"double_stream_modulation_txt.lin.weight", {"double_stream_modulation_txt.linear.weight"}},
      {"single_stream_modulation.lin.weight", {"single_stream_modulation.linear.weight"}},
      {"final_layer.adaLN_modulation.1.weight", {"norm_out.linear.weight"}},
      {"final_layer.linear.weight", {"proj_out.weight"}},
  };
  return rows;
}

// Within double_blocks.N, against transformer_blocks.N.
const std::vector<Row>& double_rows() {
  static const std::vector<Row> rows = {
      {"img_attn.qkv.weight", {"attn.to_q.weight", "attn.to_k.weight", "attn.to_v.weight"}},
      {"txt_attn.qkv.weight",
       {"attn.add_q_proj.weight", "attn.add_k_proj.weight", "attn.add_v_proj.weight"}},
      {"img_attn.norm.query_norm.weight", {"attn.norm_q.weight"}},
      {"img_attn.norm.key_norm.weight", {"attn.norm_k.weight"}},
      {"txt_attn.norm.query_norm.weight", {"attn.norm_added_q.weight"}},
      {"txt_attn.norm.key_norm.weight", {"attn.norm_added_k.weight"}},
      {"img_attn.proj.weight", {"attn.to_out.0.weight"}},
      {"txt_attn.proj.weight", {"attn.to_add_out.weight"}},
      {"img_mlp.0.weight", {"ff.linear_in.weight"}},
      {"img_mlp.2.weight", {"ff.linear_out.weight"}},
      {"txt_mlp.0.weight", {"ff_context.linear_in.weight"}},
      {"txt_mlp.2.weight", {"ff_context.linear_out.weight"}},
  };
  return rows;
}

// Within single_blocks.N, against single_transformer_blocks.N.
const std::vector<Row>& single_rows() {
  static const std::vector<Row> rows = {
      {"linear1.weight", {"attn.to_qkv_mlp_proj.weight"}},
      {"linear2.weight", {"attn.to_out.weight"}},
      {"norm.query_norm.weight", {"attn.norm_q.weight"}},
      {"norm.key_norm.weight", {"attn.norm_k.weight"}},
  };
  return rows;
}

// Fused variants of diffusers' own names, within transformer_blocks.N.
const std::vector<Row>& fused_rows() {
  static const std::vector<Row> rows = {
      {"attn.to_qkv.weight", {"attn.to_q.weight", "attn.to_k.weight", "attn.to_v.weight"}},
      {"attn.to_added_qkv.weight",
       {"attn.add_q_proj.weight", "attn.add_k_proj.weight", "attn.add_v_proj.weight"}},
  };
  return rows;
}

// The tables of the two layouts of FLUX.1 (black-forest-labs/flux model.py against diffusers'
// transformer_flux.py), each row once for the weight and once for the bias. Outside the blocks:
const std::vector<Row>& flux1_rows() {
  static const std::vector<Row> rows = {
      {"img_in", {"x_embedder"}},
      {"txt_in", {"context_embedder"}},
      {"time_in.in_layer", {"time_text_embed.timestep_embedder.linear_1"}},
      {"time_in.out_layer", {"time_text_embed.timestep_embedder.linear_2"}},
      {"vector_in.in_layer", {"time_text_embed.text_embedder.linear_1"}},
      {"vector_in.out_layer", {"time_text_embed.text_embedder.linear_2"}},
      {"guidance_in.in_layer", {"time_text_embed.guidance_embedder.linear_1"}},
      {"guidance_in.out_layer", {"time_text_embed.guidance_embedder.linear_2"}},
      {"final_layer.adaLN_modulation.1", {"norm_out.linear"}},
      {"final_layer.linear", {"proj_out"}},
  };
  return rows;
}

// Within double_blocks.N, against transformer_blocks.N.
const std::vector<Row>& flux1_double_rows() {
  static const std::vector<Row> rows = {
      {"img_mod.lin", {"norm1.linear"}},
      {"txt_mod.lin", {"norm1_context.linear"}},
      {"img_attn.qkv", {"attn.to_q", "attn.to_k", "attn.to_v"}},
      {"txt_attn.qkv", {"attn.add_q_proj", "attn.add_k_proj", "attn.add_v_proj"}},
      {"img_attn.norm.query_norm", {"attn.norm_q"}},
      {"img_attn.norm.key_norm", {"attn.norm_k"}},
      {"txt_attn.norm.query_norm", {"attn.norm_added_q"}},
      {"txt_attn.norm.key_norm", {"attn.norm_added_k"}},
      {"img_attn.proj", {"attn.to_out.0"}},
      {"txt_attn.proj", {"attn.to_add_out"}},
      {"img_mlp.0", {"ff.net.0.proj"}},
      {"img_mlp.2", {"ff.net.2"}},
      {"txt_mlp.0", {"ff_context.net.0.proj"}},
      {"txt_mlp.2", {"ff_context.net.2"}},
  };
  return rows;
}

// Within single_blocks.N, against single_transformer_blocks.N. The parts of linear1 are not equal
// (q, k, v and the MLP), so it keeps one name here, the one that diffusers gives it in FLUX.2;
// diffusers itself stores attn.to_q, to_k, to_v and proj_mlp.
const std::vector<Row>& flux1_single_rows() {
  static const std::vector<Row> rows = {
      {"modulation.lin", {"norm.linear"}}, {"linear1", {"attn.to_qkv_mlp_proj"}},
      {"linear2", {"proj_out"}},           {"norm.query_norm", {"attn.norm_q"}},
      {"norm.key_norm", {"attn.norm_k"}},
  };
  return rows;
}

const Row* find_row(const std::vector<Row>& rows, std::string_view name) {
  const auto found =
      std::find_if(rows.begin(), rows.end(), [&](const Row& row) { return row.from == name; });
  return found == rows.end() ? nullptr : &*found;
}

/// "double_blocks.12.rest" with prefix "double_blocks." is {12, "rest"}.
struct Indexed {
  std::int64_t index = 0;
  std::string_view rest;
};
std::optional<Indexed> indexed(std::string_view name, std::string_view prefix) {
  if (!name.starts_with(prefix)) return std::nullopt;
  name.remove_prefix(prefix.size());
  constexpr std::int64_t kMaxIndex = 9999;
  Indexed out;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), out.index);
  if (error != std::errc() || out.index < 0 || out.index > kMaxIndex) return std::nullopt;
  if (end == name.data() + name.size() || *end != '.') return std::nullopt;
  out.rest = name.substr(static_cast<std::size_t>(end - name.data()) + 1);
  return out;
}

CanonicalNames unchanged(std::string_view name) { return {{std::string(name)}}; }

CanonicalNames in_block(const Row& row, std::string_view block, std::int64_t index, bool bfl) {
  CanonicalNames out;
  out.bfl = bfl;
  for (const std::string_view name : row.to)
    out.names.push_back(fmt::format("{}.{}.{}", block, index, name));
  return out;
}

CanonicalNames flux2_names(std::string_view name) {
  if (const Row* row = find_row(flux2_rows(), name)) {
    CanonicalNames out{{std::string(row->to.front())}};
    // BFL stores shift before scale, diffusers scale before shift; no other modulation differs.
    out.swap_halves = name == "final_layer.adaLN_modulation.1.weight";
    out.bfl = true;
    return out;
  }
  if (const auto block = indexed(name, "transformer_blocks.")) {
    const Row* row = find_row(fused_rows(), block->rest);
    return row == nullptr ? unchanged(name)
                          : in_block(*row, "transformer_blocks", block->index, false);
  }
  // Some files end the q and k norms in `.weight` where BFL's own say `.scale`.
  std::string spelled(name);
  if (name.ends_with("_norm.scale"))
    spelled = fmt::format("{}weight", name.substr(0, name.size() - 5));
  if (const auto block = indexed(spelled, "double_blocks."))
    if (const Row* row = find_row(double_rows(), block->rest))
      return in_block(*row, "transformer_blocks", block->index, true);
  if (const auto block = indexed(spelled, "single_blocks."))
    if (const Row* row = find_row(single_rows(), block->rest))
      return in_block(*row, "single_transformer_blocks", block->index, true);
  return unchanged(name);
}

/// The same for FLUX.1, whose tables leave out the name's end: `.weight`, `.bias`, or `.scale`.
CanonicalNames flux1_names(std::string_view name) {
  const std::size_t dot = name.rfind('.');
  const std::string_view stem = name.substr(0, dot);
  const std::string_view end = dot == std::string_view::npos ? "" : name.substr(dot + 1);
  CanonicalNames out = unchanged(name);
  const auto take = [&](const Row* row, const std::string& at) {
    if (row == nullptr) return false;
    out = CanonicalNames();
    for (const std::string_view to : row->to)
      out.names.push_back(fmt::format("{}{}.{}", at, to, end == "bias" ? end : "weight"));
    out.bfl = true;
    return true;
  };
  if (end != "weight" && end != "bias" && end != "scale") return out;
  if (take(find_row(flux1_rows(), stem), "")) {
    out.swap_halves = stem == "final_layer.adaLN_modulation.1";  // as in FLUX.2, and its bias too
    return out;
  }
  if (const auto block = indexed(stem, "double_blocks."))
    take(find_row(flux1_double_rows(), block->rest),
         fmt::format("transformer_blocks.{}.", block->index));
  if (const auto block = indexed(stem, "single_blocks."))
    take(find_row(flux1_single_rows(), block->rest),
         fmt::format("single_transformer_blocks.{}.", block->index));
  return out;
}

/// T5's encoder in transformers' names; its decoder and head belong to no network here.
CanonicalNames t5_names(std::string_view name) {
  if (name.starts_with("decoder.") || name == "lm_head.weight") return {};
  return unchanged(name);
}

/// CLIP's text encoder: `name` is what follows `text_model.`, which files of transformers 5 leave
/// out. Old files keep the numbers 0 to 76 as a tensor.
CanonicalNames clip_names(std::string_view name) {
  if (name == "embeddings.position_ids") return {};
  return {{fmt::format("text_model.{}", name)}};
}

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

CanonicalNames vae_names(std::string_view name, std::int64_t decoder_levels) {
  CanonicalNames out = unchanged(name);
  for (const std::string_view half : {"encoder", "decoder"}) {
    if (!name.starts_with(half) || name.size() <= half.size() || name[half.size()] != '.') continue;
    if (auto renamed = vae_half(half, name.substr(half.size() + 1), decoder_levels)) {
      out.names.front() = std::move(*renamed);
      out.bfl = true;
    }
  }
  // 1x1 convolutions in BFL's file, Linears in diffusers'.
  out.squeeze = out.names.front().find(".attentions.") != std::string::npos;
  return out;
}

/// The tensor that every file of a text encoder has: what stands before it is the prefix.
std::string_view anchor_of(Network network) {
  switch (network) {
    case Network::qwen3:
      return "embed_tokens.weight";
    case Network::t5:
      return "encoder.final_layer_norm.weight";
    case Network::clip:
      return "embeddings.token_embedding.weight";
    case Network::flux2:
    case Network::flux1:
    case Network::vae:
      break;
  }
  return {};
}

}  // namespace

std::string network_prefix(const std::vector<std::string_view>& names, Network network) {
  const std::string_view anchor = anchor_of(network);
  if (!anchor.empty()) {
    for (const std::string_view name : names)
      if (name.ends_with(anchor)) return std::string(name.substr(0, name.size() - anchor.size()));
    return {};
  }
  static constexpr std::array<std::string_view, 3> kFlux = {"model.diffusion_model.",
                                                            "diffusion_model.", "transformer."};
  static constexpr std::array<std::string_view, 2> kVae = {"first_stage_model.", "vae."};
  const auto any = [&](std::string_view prefix) {
    return std::any_of(names.begin(), names.end(),
                       [&](std::string_view name) { return name.starts_with(prefix); });
  };
  const std::span<const std::string_view> prefixes = network == Network::vae
                                                         ? std::span<const std::string_view>(kVae)
                                                         : std::span<const std::string_view>(kFlux);
  for (const std::string_view prefix : prefixes)
    if (any(prefix)) return std::string(prefix);
  return {};
}

CanonicalNames canonical_names(std::string_view name, Network network,
                               std::int64_t decoder_levels) {
  switch (network) {
    case Network::flux2:
      return flux2_names(name);
    case Network::flux1:
      return flux1_names(name);
    case Network::vae:
      return vae_names(name, decoder_levels);
    case Network::t5:
      return t5_names(name);
    case Network::clip:
      return clip_names(name);
    case Network::qwen3:
      if (name == "lm_head.weight") return {};
      break;
  }
  return {{fmt::format("model.{}", name)}};
}

std::int64_t count_indices(const std::vector<std::string_view>& names, std::string_view prefix) {
  std::int64_t count = 0;
  for (const std::string_view name : names)
    if (const auto found = indexed(name, prefix)) count = std::max(count, found->index + 1);
  return count;
}

}  // namespace imagined::engine
