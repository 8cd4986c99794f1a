// Small models of zeros in the layouts that people have: as much of each network as tells what it
// is.
#pragma once

#include <fmt/core.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

#include "engine/formats/safetensors_write.h"
#include "engine/formats/test_files.h"
#include "engine/tokenizers/tokenizer_kind.h"

namespace imagined::engine {

struct Shaped {
  std::string name;
  std::vector<std::int64_t> shape;
};
inline void write_zeros(const std::filesystem::path& path, const std::vector<Shaped>& tensors) {
  std::filesystem::create_directories(path.parent_path());
  std::vector<TensorToWrite> list;
  const std::vector<std::byte> zeros(1 << 20);
  for (const Shaped& tensor : tensors) {
    std::int64_t bytes = 2;
    for (const std::int64_t size : tensor.shape) bytes *= size;
    list.push_back({tensor.name, DType::bf16, tensor.shape,
                    std::span(zeros).first(static_cast<std::size_t>(bytes))});
  }
  ASSERT_TRUE(write_safetensors(path, list).has_value());
}

/// As much of a tokenizer as tells its kind.
inline void write_tokenizer(const TestFolder& folder, const std::string& name, TokenizerKind kind) {
  switch (kind) {
    case TokenizerKind::qwen:
      folder.write(name + "/tokenizer.json", R"({"model": {"type": "BPE"}})");
      break;
    case TokenizerKind::clip:
      folder.write(name + "/vocab.json", R"({"a</w>": 0})");
      folder.write(name + "/merges.txt", "");
      break;
    case TokenizerKind::t5:
      folder.write(name + "/tokenizer.json", R"({"model": {"type": "Unigram"}})");
      break;
    case TokenizerKind::mistral:
      folder.write(name + "/tokenizer.json", R"({"pre_tokenizer": "\\p{Lu}"})");
      break;
  }
}

/// A transformer of width 64 (2 heads of 32), 2 + 3 blocks, 16 channels, text features of 24.
inline std::vector<Shaped> bfl_transformer() {
  std::vector<Shaped> tensors = {
      {"img_in.weight", {64, 16}},
      {"txt_in.weight", {64, 24}},
      {"time_in.in_layer.weight", {64, 256}},
      {"time_in.out_layer.weight", {64, 64}},
      {"double_stream_modulation_img.lin.weight", {384, 64}},
      {"double_stream_modulation_txt.lin.weight", {384, 64}},
      {"single_stream_modulation.lin.weight", {192, 64}},
      {"final_layer.adaLN_modulation.1.weight", {128, 64}},
      {"final_layer.linear.weight", {16, 64}},
  };
  for (int i = 0; i < 2; ++i)
    for (const char* stream : {"img", "txt"}) {
      const std::string block = fmt::format("double_blocks.{}.{}", i, stream);
      tensors.push_back({block + "_attn.qkv.weight", {192, 64}});
      tensors.push_back({block + "_attn.norm.query_norm.scale", {32}});
      tensors.push_back({block + "_attn.norm.key_norm.scale", {32}});
      tensors.push_back({block + "_attn.proj.weight", {64, 64}});
      tensors.push_back({block + "_mlp.0.weight", {384, 64}});
      tensors.push_back({block + "_mlp.2.weight", {64, 192}});
    }
  for (int i = 0; i < 3; ++i) {
    const std::string block = fmt::format("single_blocks.{}", i);
    tensors.push_back({block + ".linear1.weight", {576, 64}});
    tensors.push_back({block + ".linear2.weight", {64, 256}});
    tensors.push_back({block + ".norm.query_norm.scale", {32}});
    tensors.push_back({block + ".norm.key_norm.scale", {32}});
  }
  return tensors;
}

inline std::vector<Shaped> bfl_vae() {
  return {{"encoder.conv_in.weight", {32, 3, 3, 3}},
          {"encoder.down.0.block.0.conv1.weight", {32, 32, 3, 3}},
          {"encoder.down.1.block.0.conv1.weight", {64, 32, 3, 3}},
          {"encoder.quant_conv.weight", {8, 8, 1, 1}},
          {"decoder.conv_in.weight", {64, 4, 3, 3}},
          {"decoder.mid.attn_1.q.weight", {64, 64, 1, 1}},
          {"decoder.up.1.block.0.conv1.weight", {96, 64, 3, 3}},
          {"decoder.up.0.block.0.conv1.weight", {32, 96, 3, 3}},
          {"decoder.conv_out.weight", {3, 32, 3, 3}},
          {"bn.running_mean", {16}},
          {"bn.running_var", {16}}};
}

/// hidden 8, 27 layers, 4 query and 2 key heads of 16.
inline std::vector<Shaped> text_encoder() {
  return {{"model.embed_tokens.weight", {700, 8}},
          {"model.layers.0.self_attn.q_norm.weight", {16}},
          {"model.layers.0.self_attn.q_proj.weight", {64, 8}},
          {"model.layers.0.self_attn.k_proj.weight", {32, 8}},
          {"model.layers.0.mlp.gate_proj.weight", {48, 8}},
          {"model.layers.26.input_layernorm.weight", {8}}};
}

/// hidden 8, 31 layers, 2 query heads and 1 key head of 128, without norms of heads.
inline std::vector<Shaped> mistral_encoder(const std::string& prefix) {
  return {{prefix + "embed_tokens.weight", {700, 8}},
          {prefix + "layers.0.self_attn.q_proj.weight", {256, 8}},
          {prefix + "layers.0.self_attn.k_proj.weight", {128, 8}},
          {prefix + "layers.0.mlp.gate_proj.weight", {48, 8}},
          {prefix + "layers.30.input_layernorm.weight", {8}}};
}

/// What tells a FLUX.1 transformer of width 64 (2 heads of 32), 1 + 2 blocks and `in` channels.
inline std::vector<Shaped> flux1_transformer(std::int64_t in) {
  return {{"img_in.weight", {64, in}},
          {"txt_in.weight", {64, 24}},
          {"vector_in.in_layer.weight", {64, 128}},
          {"double_blocks.0.img_mod.lin.weight", {384, 64}},
          {"double_blocks.0.img_attn.norm.query_norm.scale", {32}},
          {"single_blocks.1.modulation.lin.weight", {192, 64}},
          {"final_layer.linear.weight", {64, 64}}};
}

inline std::vector<Shaped> flux1_vae() {
  std::vector<Shaped> vae = bfl_vae();
  std::erase_if(vae, [](const Shaped& t) { return t.name.starts_with("bn."); });
  for (Shaped& tensor : vae)
    if (tensor.name == "decoder.conv_in.weight") tensor.shape[1] = 16;
  return vae;
}

/// 3 layers, 77 positions.
inline std::vector<Shaped> clip_encoder(std::int64_t width) {
  return {{"text_model.embeddings.token_embedding.weight", {98, width}},
          {"text_model.embeddings.position_embedding.weight", {77, width}},
          {"text_model.encoder.layers.2.mlp.fc1.weight", {256, width}},
          {"text_model.encoder.layers.0.mlp.fc1.weight", {256, width}}};
}

/// Width 24, 5 layers.
inline std::vector<Shaped> t5_encoder() {
  return {{"shared.weight", {99, 24}},
          {"encoder.final_layer_norm.weight", {24}},
          {"encoder.block.0.layer.0.SelfAttention.q.weight", {32, 24}},
          {"encoder.block.0.layer.0.SelfAttention.relative_attention_bias.weight", {32, 4}},
          {"encoder.block.4.layer.1.DenseReluDense.wi_0.weight", {40, 24}},
          {"encoder.block.0.layer.1.DenseReluDense.wi_0.weight", {40, 24}}};
}

/// The same tensors under a prefix.
inline std::vector<Shaped> under(const std::string& prefix, std::vector<Shaped> tensors) {
  for (Shaped& tensor : tensors) tensor.name = prefix + tensor.name;
  return tensors;
}

}  // namespace imagined::engine
