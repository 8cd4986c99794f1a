#include "engine/models/flux1/flux1_names.h"

#include <fmt/core.h>

#include <array>
#include <utility>

namespace imagined::engine {
namespace {

// The tables of the two layouts of FLUX.1 (black-forest-labs/flux model.py against diffusers'
// transformer_flux.py), each row once for the weight and once for the bias. Outside the blocks:
const std::vector<NameRow>& flux1_rows() {
  static const std::vector<NameRow> rows = {
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
const std::vector<NameRow>& flux1_double_rows() {
  static const std::vector<NameRow> rows = {
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

// Within single_blocks.N, against single_transformer_blocks.N. Of linear1, q, k and v are as long
// as the model is wide, and the MLP is the rest.
const std::vector<NameRow>& flux1_single_rows() {
  static const std::vector<NameRow> rows = {
      {"modulation.lin", {"norm.linear"}},
      {"linear1", {"attn.to_q", "attn.to_k", "attn.to_v", "proj_mlp"}},
      {"linear2", {"proj_out"}},
      {"norm.query_norm", {"attn.norm_q"}},
      {"norm.key_norm", {"attn.norm_k"}},
  };
  return rows;
}

/// The tables leave out the name's end: `.weight`, `.bias`, or `.scale`.
CanonicalNames canonical(std::string_view name, std::int64_t /*decoder_levels*/) {
  const std::size_t dot = name.rfind('.');
  const std::string_view stem = name.substr(0, dot);
  const std::string_view end = dot == std::string_view::npos ? "" : name.substr(dot + 1);
  CanonicalNames out = unchanged(name);
  const auto take = [&](const NameRow* row, const std::string& at) {
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
  if (const auto block = indexed(stem, "single_blocks.")) {
    take(find_row(flux1_single_rows(), block->rest),
         fmt::format("single_transformer_blocks.{}.", block->index));
    out.rest_last = block->rest == "linear1";
  }
  return out;
}

constexpr std::array<std::string_view, 2> kAnchors = {"vector_in.in_layer",
                                                      "time_text_embed.text_embedder.linear_1"};
constexpr std::array<std::string_view, 15> kRoots = {"img_in",
                                                     "txt_in",
                                                     "time_in",
                                                     "vector_in",
                                                     "guidance_in",
                                                     "double_blocks",
                                                     "single_blocks",
                                                     "final_layer",
                                                     "x_embedder",
                                                     "context_embedder",
                                                     "time_text_embed",
                                                     "transformer_blocks",
                                                     "single_transformer_blocks",
                                                     "norm_out",
                                                     "proj_out"};

}  // namespace

const NameTable& flux1_names() {
  static constexpr NameTable table = {.what = "a FLUX.1 transformer",
                                      .anchors = kAnchors,
                                      .roots = kRoots,
                                      .beside = {},
                                      .relatives = {},
                                      .canonical = canonical};
  return table;
}

}  // namespace imagined::engine
