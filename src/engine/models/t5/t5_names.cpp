#include "engine/models/t5/t5_names.h"

#include <algorithm>
#include <array>
#include <string>

#include "engine/formats/llama_names.h"

namespace imagined::engine {
namespace {

using Pair = LlamaNames::Pair;

constexpr std::array<Pair, 2> kOutside = {{
    {"token_embd.weight", "shared.weight"},
    {"enc.output_norm.weight", "encoder.final_layer_norm.weight"},
}};
constexpr std::array<Pair, 10> kInside = {{
    {"attn_norm.weight", "layer.0.layer_norm.weight"},
    {"attn_q.weight", "layer.0.SelfAttention.q.weight"},
    {"attn_k.weight", "layer.0.SelfAttention.k.weight"},
    {"attn_v.weight", "layer.0.SelfAttention.v.weight"},
    {"attn_o.weight", "layer.0.SelfAttention.o.weight"},
    {"attn_rel_b.weight", "layer.0.SelfAttention.relative_attention_bias.weight"},
    {"ffn_norm.weight", "layer.1.layer_norm.weight"},
    {"ffn_gate.weight", "layer.1.DenseReluDense.wi_0.weight"},
    {"ffn_up.weight", "layer.1.DenseReluDense.wi_1.weight"},
    {"ffn_down.weight", "layer.1.DenseReluDense.wo.weight"},
}};

constexpr LlamaNames kLlama = {kOutside, "enc.blk.", "encoder.block.", kInside};

/// The decoder and the head belong to no network here.
CanonicalNames canonical(std::string_view name, std::int64_t /*decoder_levels*/) {
  if (const std::string known = kLlama.transformers_name(name); !known.empty())
    return unchanged(known);
  if (name.starts_with("decoder.") || name == "lm_head.weight") return {};
  return unchanged(name);
}

constexpr std::array<std::string_view, 2> kAnchors = {"encoder.final_layer_norm",
                                                      "enc.output_norm"};
constexpr std::array<std::string_view, 6> kRoots = {"shared",  "encoder",    "decoder",
                                                    "lm_head", "token_embd", "enc"};
// spiece_model: the tokenizer, as ComfyUI puts it into a UMT5's file.
constexpr std::array<std::string_view, 5> kBeside = {"lm_head", "decoder", "dec", "logit_scale",
                                                     "spiece_model"};

}  // namespace

const NameTable& t5_names() {
  static constexpr NameTable table = {.what = "a T5 text encoder",
                                      .anchors = kAnchors,
                                      .roots = kRoots,
                                      .beside = kBeside,
                                      .relatives = {},
                                      .canonical = canonical};
  return table;
}

}  // namespace imagined::engine
