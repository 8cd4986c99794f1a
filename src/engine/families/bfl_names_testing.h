// What Black Forest Labs' single files call the layers of a transformer, written down by itself:
// what reads them is compared with it, and tests write files by it.
#pragma once

#include <string>
#include <vector>

namespace imagined::engine {

/// A layer, "N" for its block, and diffusers' layers that take its rows in this order.
struct BflLayer {
  std::string bfl;
  std::vector<std::string> diffusers;
};

/// "double_blocks.N.img_mlp.0" of block 3 is "double_blocks.3.img_mlp.0".
inline std::string at_block(std::string name, int block) {
  const std::size_t at = name.find(".N.");
  return at == std::string::npos ? name : name.replace(at + 1, 1, std::to_string(block));
}

inline std::vector<BflLayer> bfl_layers_of_both(std::vector<BflLayer> own) {
  const std::vector<BflLayer> both = {
      {"img_in", {"x_embedder"}},
      {"txt_in", {"context_embedder"}},
      {"final_layer.adaLN_modulation.1", {"norm_out.linear"}},
      {"final_layer.linear", {"proj_out"}},
      {"double_blocks.N.img_attn.qkv",
       {"transformer_blocks.N.attn.to_q", "transformer_blocks.N.attn.to_k",
        "transformer_blocks.N.attn.to_v"}},
      {"double_blocks.N.txt_attn.qkv",
       {"transformer_blocks.N.attn.add_q_proj", "transformer_blocks.N.attn.add_k_proj",
        "transformer_blocks.N.attn.add_v_proj"}},
      {"double_blocks.N.img_attn.proj", {"transformer_blocks.N.attn.to_out.0"}},
      {"double_blocks.N.txt_attn.proj", {"transformer_blocks.N.attn.to_add_out"}},
  };
  own.insert(own.begin(), both.begin(), both.end());
  return own;
}

inline std::vector<BflLayer> flux1_bfl_layers() {
  return bfl_layers_of_both({
      {"time_in.in_layer", {"time_text_embed.timestep_embedder.linear_1"}},
      {"time_in.out_layer", {"time_text_embed.timestep_embedder.linear_2"}},
      {"vector_in.in_layer", {"time_text_embed.text_embedder.linear_1"}},
      {"vector_in.out_layer", {"time_text_embed.text_embedder.linear_2"}},
      {"guidance_in.in_layer", {"time_text_embed.guidance_embedder.linear_1"}},
      {"guidance_in.out_layer", {"time_text_embed.guidance_embedder.linear_2"}},
      {"double_blocks.N.img_mod.lin", {"transformer_blocks.N.norm1.linear"}},
      {"double_blocks.N.txt_mod.lin", {"transformer_blocks.N.norm1_context.linear"}},
      {"double_blocks.N.img_mlp.0", {"transformer_blocks.N.ff.net.0.proj"}},
      {"double_blocks.N.img_mlp.2", {"transformer_blocks.N.ff.net.2"}},
      {"double_blocks.N.txt_mlp.0", {"transformer_blocks.N.ff_context.net.0.proj"}},
      {"double_blocks.N.txt_mlp.2", {"transformer_blocks.N.ff_context.net.2"}},
      {"single_blocks.N.modulation.lin", {"single_transformer_blocks.N.norm.linear"}},
      {"single_blocks.N.linear1",
       {"single_transformer_blocks.N.attn.to_q", "single_transformer_blocks.N.attn.to_k",
        "single_transformer_blocks.N.attn.to_v", "single_transformer_blocks.N.proj_mlp"}},
      {"single_blocks.N.linear2", {"single_transformer_blocks.N.proj_out"}},
  });
}

inline std::vector<BflLayer> flux2_bfl_layers() {
  return bfl_layers_of_both({
      {"time_in.in_layer", {"time_guidance_embed.timestep_embedder.linear_1"}},
      {"time_in.out_layer", {"time_guidance_embed.timestep_embedder.linear_2"}},
      {"double_stream_modulation_img.lin", {"double_stream_modulation_img.linear"}},
      {"double_stream_modulation_txt.lin", {"double_stream_modulation_txt.linear"}},
      {"single_stream_modulation.lin", {"single_stream_modulation.linear"}},
      {"double_blocks.N.img_mlp.0", {"transformer_blocks.N.ff.linear_in"}},
      {"double_blocks.N.img_mlp.2", {"transformer_blocks.N.ff.linear_out"}},
      {"double_blocks.N.txt_mlp.0", {"transformer_blocks.N.ff_context.linear_in"}},
      {"double_blocks.N.txt_mlp.2", {"transformer_blocks.N.ff_context.linear_out"}},
      {"single_blocks.N.linear1", {"single_transformer_blocks.N.attn.to_qkv_mlp_proj"}},
      {"single_blocks.N.linear2", {"single_transformer_blocks.N.attn.to_out"}},
  });
}

}  // namespace imagined::engine
