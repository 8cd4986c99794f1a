#include "engine/formats/llama_names.h"

#include <algorithm>
#include <array>
#include <span>
#include <utility>

namespace imagined::engine {
namespace {

using Pair = std::pair<std::string_view, std::string_view>;

constexpr std::array<Pair, 3> kOutside = {{
    {"token_embd.weight", "model.embed_tokens.weight"},
    {"output_norm.weight", "model.norm.weight"},
    {"output.weight", "lm_head.weight"},
}};

// Within blk.N, against model.layers.N.
constexpr std::array<Pair, 11> kInBlock = {{
    {"attn_norm.weight", "input_layernorm.weight"},
    {"attn_q.weight", "self_attn.q_proj.weight"},
    {"attn_k.weight", "self_attn.k_proj.weight"},
    {"attn_v.weight", "self_attn.v_proj.weight"},
    {"attn_q_norm.weight", "self_attn.q_norm.weight"},
    {"attn_k_norm.weight", "self_attn.k_norm.weight"},
    {"attn_output.weight", "self_attn.o_proj.weight"},
    {"ffn_norm.weight", "post_attention_layernorm.weight"},
    {"ffn_gate.weight", "mlp.gate_proj.weight"},
    {"ffn_up.weight", "mlp.up_proj.weight"},
    {"ffn_down.weight", "mlp.down_proj.weight"},
}};

std::string_view find_in(std::span<const Pair> pairs, std::string_view name) {
  const auto found = std::find_if(pairs.begin(), pairs.end(),
                                  [&](const Pair& pair) { return pair.first == name; });
  return found == pairs.end() ? std::string_view() : found->second;
}

}  // namespace

std::string transformers_name(std::string_view llama_name) {
  if (const std::string_view name = find_in(kOutside, llama_name); !name.empty())
    return std::string(name);
  constexpr std::string_view kBlock = "blk.";
  if (!llama_name.starts_with(kBlock)) return std::string(llama_name);
  const std::string_view rest = llama_name.substr(kBlock.size());  // "3.ffn_up.weight"
  const std::size_t dot = rest.find('.');
  if (dot == std::string_view::npos) return std::string(llama_name);
  const std::string_view inner = find_in(kInBlock, rest.substr(dot + 1));
  if (inner.empty()) return std::string(llama_name);
  std::string name = "model.layers.";
  name += rest.substr(0, dot + 1);
  name += inner;
  return name;
}

}  // namespace imagined::engine
