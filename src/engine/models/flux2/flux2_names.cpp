#include "engine/models/flux2/flux2_names.h"

#include <fmt/core.h>

#include <array>
#include <utility>

namespace imagined::engine {
namespace {

// The tables of the two layouts of FLUX.2 (black-forest-labs/flux2 model.py against diffusers'
// transformer_flux2.py). Tensors outside the blocks:
const std::vector<NameRow>& flux2_rows() {
  static const std::vector<NameRow> rows = {
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
const std::vector<NameRow>& double_rows() {
  static const std::vector<NameRow> rows = {
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
const std::vector<NameRow>& single_rows() {
  static const std::vector<NameRow> rows = {
      {"linear1.weight", {"attn.to_qkv_mlp_proj.weight"}},
      {"linear2.weight", {"attn.to_out.weight"}},
      {"norm.query_norm.weight", {"attn.norm_q.weight"}},
      {"norm.key_norm.weight", {"attn.norm_k.weight"}},
  };
  return rows;
}

// Fused variants of diffusers' own names, within transformer_blocks.N.
const std::vector<NameRow>& fused_rows() {
  static const std::vector<NameRow> rows = {
      {"attn.to_qkv.weight", {"attn.to_q.weight", "attn.to_k.weight", "attn.to_v.weight"}},
      {"attn.to_added_qkv.weight",
       {"attn.add_q_proj.weight", "attn.add_k_proj.weight", "attn.add_v_proj.weight"}},
  };
  return rows;
}

CanonicalNames in_block(const NameRow& row, std::string_view block, std::int64_t index, bool bfl) {
  CanonicalNames out;
  out.bfl = bfl;
  for (const std::string_view name : row.to)
    out.names.push_back(fmt::format("{}.{}.{}", block, index, name));
  return out;
}

CanonicalNames canonical(std::string_view name, std::int64_t /*decoder_levels*/) {
  if (const NameRow* row = find_row(flux2_rows(), name)) {
    CanonicalNames out{{std::string(row->to.front())}};
    // BFL stores shift before scale, diffusers scale before shift; no other modulation differs.
    out.swap_halves = name == "final_layer.adaLN_modulation.1.weight";
    out.bfl = true;
    return out;
  }
  if (const auto block = indexed(name, "transformer_blocks.")) {
    const NameRow* row = find_row(fused_rows(), block->rest);
    return row == nullptr ? unchanged(name)
                          : in_block(*row, "transformer_blocks", block->index, false);
  }
  // Some files end the q and k norms in `.weight` where BFL's own say `.scale`.
  std::string spelled(name);
  if (name.ends_with("_norm.scale"))
    spelled = fmt::format("{}weight", name.substr(0, name.size() - 5));
  if (const auto block = indexed(spelled, "double_blocks."))
    if (const NameRow* row = find_row(double_rows(), block->rest))
      return in_block(*row, "transformer_blocks", block->index, true);
  if (const auto block = indexed(spelled, "single_blocks."))
    if (const NameRow* row = find_row(single_rows(), block->rest))
      return in_block(*row, "single_transformer_blocks", block->index, true);
  return unchanged(name);
}

constexpr std::array<std::string_view, 2> kAnchors = {"single_stream_modulation.lin",
                                                      "single_stream_modulation.linear"};
constexpr std::array<std::string_view, 17> kRoots = {"img_in",
                                                     "txt_in",
                                                     "time_in",
                                                     "guidance_in",
                                                     "double_stream_modulation_img",
                                                     "double_stream_modulation_txt",
                                                     "single_stream_modulation",
                                                     "double_blocks",
                                                     "single_blocks",
                                                     "final_layer",
                                                     "x_embedder",
                                                     "context_embedder",
                                                     "time_guidance_embed",
                                                     "transformer_blocks",
                                                     "single_transformer_blocks",
                                                     "norm_out",
                                                     "proj_out"};

}  // namespace

const NameTable& flux2_names() {
  static constexpr NameTable table = {.what = "a FLUX.2 transformer",
                                      .anchors = kAnchors,
                                      .roots = kRoots,
                                      .beside = {},
                                      .relatives = {},
                                      .canonical = canonical};
  return table;
}

}  // namespace imagined::engine
