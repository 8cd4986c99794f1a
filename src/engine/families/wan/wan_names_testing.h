// What Wan's own files call the tensors of its networks, written down by itself: tests turn
// diffusers' files into such by it.
#pragma once

#include <string>
#include <utility>

#include "engine/formats/gguf_test_files.h"

namespace imagined::engine {

/// Of the transformer.
inline std::string own_wan_name(std::string name) {
  static constexpr std::array<std::array<std::string_view, 2>, 20> kParts = {{
      {"condition_embedder.text_embedder.linear_1", "text_embedding.0"},
      {"condition_embedder.text_embedder.linear_2", "text_embedding.2"},
      {"condition_embedder.time_embedder.linear_1", "time_embedding.0"},
      {"condition_embedder.time_embedder.linear_2", "time_embedding.2"},
      {"condition_embedder.time_proj", "time_projection.1"},
      {"proj_out", "head.head"},
      {".scale_shift_table", ".modulation"},
      {"scale_shift_table", "head.modulation"},
      {"attn1.to_q", "self_attn.q"},
      {"attn1.to_k", "self_attn.k"},
      {"attn1.to_v", "self_attn.v"},
      {"attn1.to_out.0", "self_attn.o"},
      {"attn1.", "self_attn."},
      {"attn2.to_q", "cross_attn.q"},
      {"attn2.to_k", "cross_attn.k"},
      {"attn2.to_v", "cross_attn.v"},
      {"attn2.to_out.0", "cross_attn.o"},
      {"attn2.", "cross_attn."},
      {"norm2.", "norm3."},
      {"ffn.net.", "ffn."},
  }};
  name = with_replaced(std::move(name), kParts);
  static constexpr std::array<std::array<std::string_view, 2>, 1> kProjection = {
      {{"ffn.0.proj", "ffn.0"}}};
  return with_replaced(std::move(name), kProjection);
}

/// The same behind what ComfyUI puts before a checkpoint's.
inline std::string checkpoint_wan_name(std::string name) {
  return "model.diffusion_model." + own_wan_name(std::move(name));
}

/// Of the autoencoder with one block a level, as the small models' are: two in the decoder.
inline std::string own_wan_vae_name(std::string name) {
  if (name.starts_with("quant_conv.")) return "conv1" + name.substr(name.find('.'));
  if (name.starts_with("post_quant_conv.")) return "conv2" + name.substr(name.find('.'));
  static constexpr std::array<std::array<std::string_view, 2>, 12> kParts = {{
      {".norm1.", ".residual.0."},
      {".conv1.", ".residual.2."},
      {".norm2.", ".residual.3."},
      {".conv2.", ".residual.6."},
      {"conv_shortcut", "shortcut"},
      {"conv_in", "conv1"},
      {"norm_out", "head.0"},
      {"conv_out", "head.2"},
      {"mid_block.resnets.0", "middle.0"},
      {"mid_block.attentions.0", "middle.1"},
      {"mid_block.resnets.1", "middle.2"},
      {"downsampler", "downsamples.1"},
  }};
  static constexpr std::array<std::array<std::string_view, 2>, 2> kDown = {
      {{"down_blocks", "downsamples"}, {"resnets", "downsamples"}}};
  static constexpr std::array<std::array<std::string_view, 2>, 3> kUp = {
      {{"up_blocks", "upsamples"}, {"resnets", "upsamples"}, {"upsampler", "upsamples.2"}}};
  name = with_replaced(std::move(name), kParts);
  return name.starts_with("encoder.") ? with_replaced(std::move(name), kDown)
                                      : with_replaced(std::move(name), kUp);
}

}  // namespace imagined::engine
