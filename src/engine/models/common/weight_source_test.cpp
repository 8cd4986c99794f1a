#include "engine/formats/weight_source.h"

#include <fmt/core.h>
#include <gmock/gmock.h>

#include "engine/formats/gguf_test_files.h"
#include "engine/formats/safetensors_write.h"
#include "engine/formats/test_files.h"
#include "engine/models/flux2/flux2_names.h"
#include "engine/models/qwen3/qwen3_names.h"
#include "engine/models/t5/t5_names.h"
#include "engine/models/vae/vae_names.h"

namespace imagined::engine {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
namespace fs = std::filesystem;

const fs::path kGolden = fs::path(IMAGINED_SOURCE_DIR) / "tests" / "golden";

/// A file of f32 tensors whose elements count up: element i of tensor t is 100 t + i.
struct NamedShape {
  std::string name;
  std::vector<std::int64_t> shape;
};
fs::path write_counting(const fs::path& path, const std::vector<NamedShape>& tensors) {
  std::vector<std::vector<float>> values;
  for (const NamedShape& tensor : tensors) {
    std::int64_t count = 1;
    for (const std::int64_t size : tensor.shape) count *= size;
    std::vector<float>& out = values.emplace_back();
    for (std::int64_t i = 0; i < count; ++i)
      out.push_back(100.0f * static_cast<float>(values.size() - 1) + static_cast<float>(i));
  }
  std::vector<TensorToWrite> list;
  for (std::size_t i = 0; i < tensors.size(); ++i)
    list.push_back(
        {tensors[i].name, DType::f32, tensors[i].shape, std::as_bytes(std::span(values[i]))});
  EXPECT_TRUE(write_safetensors(path, list).has_value());
  return path;
}

/// The elements of a weight in the order of its parts.
std::vector<float> elements(const Weight& weight) {
  std::vector<float> out;
  for (const StoredRows& part : weight.parts) {
    Tensor numbers(part.rows(), part.cols());
    decode_rows(part, numbers);
    out.insert(out.end(), numbers.values<float>().begin(), numbers.values<float>().end());
  }
  return out;
}

std::vector<float> elements(WeightSource& source, std::string_view name,
                            std::initializer_list<std::int64_t> shape) {
  const Result<Weight> weight = source.require(name, shape);
  EXPECT_TRUE(weight.has_value()) << (weight ? "" : weight.error().message);
  return weight ? elements(*weight) : std::vector<float>();
}

std::string open_error(const fs::path& path, const NameTable& network = flux2_names()) {
  const Result<WeightSource> source = WeightSource::open(path, network);
  return source ? "" : source.error().message;
}

TEST(WeightSource, CutsFusedRowsIntoQueryKeyAndValue) {
  const TestFolder folder;
  write_counting(folder.path() / "m.safetensors",
                 {{"double_blocks.3.img_attn.qkv.weight", {6, 2}}});
  Result<WeightSource> source = WeightSource::open(folder.path() / "m.safetensors", flux2_names());
  ASSERT_TRUE(source.has_value()) << source.error().message;
  EXPECT_EQ(source->layout(), WeightLayout::bfl);
  EXPECT_THAT(elements(*source, "transformer_blocks.3.attn.to_q.weight", {2, 2}),
              ElementsAre(0, 1, 2, 3));
  EXPECT_THAT(elements(*source, "transformer_blocks.3.attn.to_k.weight", {2, 2}),
              ElementsAre(4, 5, 6, 7));
  EXPECT_THAT(elements(*source, "transformer_blocks.3.attn.to_v.weight", {2, 2}),
              ElementsAre(8, 9, 10, 11));
}

TEST(WeightSource, ExchangesTheHalvesOfTheLastModulationOnly) {
  const TestFolder folder;
  write_counting(folder.path() / "m.safetensors",
                 {{"final_layer.adaLN_modulation.1.weight", {4, 2}},
                  {"double_stream_modulation_img.lin.weight", {4, 1}}});
  Result<WeightSource> source = WeightSource::open(folder.path() / "m.safetensors", flux2_names());
  ASSERT_TRUE(source.has_value()) << source.error().message;
  EXPECT_THAT(elements(*source, "norm_out.linear.weight", {4, 2}),
              ElementsAre(4, 5, 6, 7, 0, 1, 2, 3));
  EXPECT_THAT(elements(*source, "double_stream_modulation_img.linear.weight", {4, 1}),
              ElementsAre(100, 101, 102, 103));
}

TEST(WeightSource, LeavesDiffusersOrderAlone) {
  const TestFolder folder;
  write_counting(folder.path() / "m.safetensors", {{"norm_out.linear.weight", {4, 1}}});
  Result<WeightSource> source = WeightSource::open(folder.path() / "m.safetensors", flux2_names());
  ASSERT_TRUE(source.has_value()) << source.error().message;
  EXPECT_EQ(source->layout(), WeightLayout::diffusers);
  EXPECT_THAT(elements(*source, "norm_out.linear.weight", {4, 1}), ElementsAre(0, 1, 2, 3));
}

TEST(WeightSource, KnowsEveryBflNameOfTheTransformer) {
  const std::vector<std::pair<std::string, std::string>> names = {
      {"img_in.weight", "x_embedder.weight"},
      {"txt_in.weight", "context_embedder.weight"},
      {"time_in.in_layer.weight", "time_guidance_embed.timestep_embedder.linear_1.weight"},
      {"time_in.out_layer.weight", "time_guidance_embed.timestep_embedder.linear_2.weight"},
      {"guidance_in.in_layer.weight", "time_guidance_embed.guidance_embedder.linear_1.weight"},
      {"guidance_in.out_layer.weight", "time_guidance_embed.guidance_embedder.linear_2.weight"},
      {"double_stream_modulation_txt.lin.weight", "double_stream_modulation_txt.linear.weight"},
      {"single_stream_modulation.lin.weight", "single_stream_modulation.linear.weight"},
      {"double_blocks.0.img_attn.norm.query_norm.scale", "transformer_blocks.0.attn.norm_q.weight"},
      {"double_blocks.0.img_attn.norm.key_norm.scale", "transformer_blocks.0.attn.norm_k.weight"},
      {"double_blocks.0.txt_attn.norm.query_norm.weight",
       "transformer_blocks.0.attn.norm_added_q.weight"},
      {"double_blocks.0.txt_attn.norm.key_norm.weight",
       "transformer_blocks.0.attn.norm_added_k.weight"},
      {"double_blocks.0.img_attn.proj.weight", "transformer_blocks.0.attn.to_out.0.weight"},
      {"double_blocks.0.txt_attn.proj.weight", "transformer_blocks.0.attn.to_add_out.weight"},
      {"double_blocks.0.img_mlp.0.weight", "transformer_blocks.0.ff.linear_in.weight"},
      {"double_blocks.0.img_mlp.2.weight", "transformer_blocks.0.ff.linear_out.weight"},
      {"double_blocks.0.txt_mlp.0.weight", "transformer_blocks.0.ff_context.linear_in.weight"},
      {"double_blocks.0.txt_mlp.2.weight", "transformer_blocks.0.ff_context.linear_out.weight"},
      {"single_blocks.12.linear1.weight",
       "single_transformer_blocks.12.attn.to_qkv_mlp_proj.weight"},
      {"single_blocks.12.linear2.weight", "single_transformer_blocks.12.attn.to_out.weight"},
      {"single_blocks.12.norm.query_norm.scale", "single_transformer_blocks.12.attn.norm_q.weight"},
      {"single_blocks.12.norm.key_norm.weight", "single_transformer_blocks.12.attn.norm_k.weight"},
      {"final_layer.linear.weight", "proj_out.weight"},
  };
  const TestFolder folder;
  std::vector<NamedShape> tensors;
  std::vector<std::string> expected;
  for (const auto& [file, canonical] : names) {
    tensors.push_back({"model.diffusion_model." + file, {2, 2}});
    expected.push_back(canonical);
  }
  const Result<WeightSource> source =
      WeightSource::open(write_counting(folder.path() / "m.safetensors", tensors), flux2_names());
  ASSERT_TRUE(source.has_value()) << source.error().message;
  EXPECT_THAT(source->names(), ::testing::UnorderedElementsAreArray(expected));
}

TEST(WeightSource, KnowsTheBflNamesOfTheVae) {
  const std::vector<std::pair<std::string, std::string>> names = {
      {"encoder.conv_in.weight", "encoder.conv_in.weight"},
      {"decoder.conv_in.weight", "decoder.conv_in.weight"},
      {"encoder.down.1.block.0.nin_shortcut.bias",
       "encoder.down_blocks.1.resnets.0.conv_shortcut.bias"},
      {"encoder.down.0.downsample.conv.weight", "encoder.down_blocks.0.downsamplers.0.conv.weight"},
      {"encoder.mid.block_2.norm1.weight", "encoder.mid_block.resnets.1.norm1.weight"},
      {"encoder.mid.attn_1.norm.bias", "encoder.mid_block.attentions.0.group_norm.bias"},
      {"encoder.norm_out.weight", "encoder.conv_norm_out.weight"},
      {"encoder.quant_conv.weight", "quant_conv.weight"},
      {"decoder.post_quant_conv.bias", "post_quant_conv.bias"},
      {"decoder.mid.attn_1.proj_out.bias", "decoder.mid_block.attentions.0.to_out.0.bias"},
      // BFL counts the decoder's levels down, diffusers up: 2 of 3 runs first.
      {"decoder.up.2.block.1.conv2.weight", "decoder.up_blocks.0.resnets.1.conv2.weight"},
      {"decoder.up.0.block.0.nin_shortcut.weight",
       "decoder.up_blocks.2.resnets.0.conv_shortcut.weight"},
      {"decoder.up.1.upsample.conv.bias", "decoder.up_blocks.1.upsamplers.0.conv.bias"},
      {"bn.running_mean", "bn.running_mean"},
  };
  const TestFolder folder;
  std::vector<NamedShape> tensors;
  std::vector<std::string> expected;
  for (const auto& [file, canonical] : names) {
    tensors.push_back({"first_stage_model." + file, {2}});
    expected.push_back(canonical);
  }
  const Result<WeightSource> source =
      WeightSource::open(write_counting(folder.path() / "m.safetensors", tensors), vae_names());
  ASSERT_TRUE(source.has_value()) << source.error().message;
  EXPECT_THAT(source->names(), ::testing::UnorderedElementsAreArray(expected));
}

TEST(WeightSource, ReadsTheVaesOneByOneConvolutionsOfTheAttentionAsLinears) {
  const TestFolder folder;
  Result<WeightSource> source =
      WeightSource::open(write_counting(folder.path() / "m.safetensors",
                                        {{"decoder.mid.attn_1.q.weight", {2, 2, 1, 1}}}),
                         vae_names());
  ASSERT_TRUE(source.has_value()) << source.error().message;
  EXPECT_THAT(elements(*source, "decoder.mid_block.attentions.0.to_q.weight", {2, 2}),
              ElementsAre(0, 1, 2, 3));
}

TEST(WeightSource, FindsATextEncoderUnderAnyPrefix) {
  for (const char* prefix : {"", "model.", "text_encoders.qwen3_4b.transformer.model."}) {
    const TestFolder folder;
    const Result<WeightSource> source = WeightSource::open(
        write_counting(folder.path() / "m.safetensors",
                       {{fmt::format("{}embed_tokens.weight", prefix), {2, 2}},
                        {fmt::format("{}layers.0.self_attn.q_norm.weight", prefix), {2}},
                        {"lm_head.weight", {2, 2}}}),
        qwen3_names());
    ASSERT_TRUE(source.has_value()) << source.error().message;
    EXPECT_THAT(source->names(),
                ElementsAre("model.embed_tokens.weight", "model.layers.0.self_attn.q_norm.weight"));
  }
}

TEST(WeightSource, TakesItsPartOfAnAllInOneFile) {
  const TestFolder folder;
  const fs::path path =
      write_counting(folder.path() / "m.safetensors",
                     {{"model.diffusion_model.single_stream_modulation.lin.weight", {2, 2}},
                      {"first_stage_model.bn.running_mean", {2}},
                      {"first_stage_model.decoder.conv_in.weight", {2}}});
  const Result<WeightSource> flux2 = WeightSource::open(path, flux2_names());
  const Result<WeightSource> vae = WeightSource::open(path, vae_names());
  ASSERT_TRUE(flux2.has_value() && vae.has_value());
  EXPECT_THAT(flux2->names(), ElementsAre("single_stream_modulation.linear.weight"));
  EXPECT_THAT(vae->names(), ElementsAre("bn.running_mean", "decoder.conv_in.weight"));
}

TEST(WeightSource, NamesExpectedAndFoundShapes) {
  const TestFolder folder;
  Result<WeightSource> source = WeightSource::open(
      write_counting(folder.path() / "m.safetensors",
                     {{"img_in.weight", {4, 2}}, {"double_blocks.0.txt_attn.qkv.weight", {6, 2}}}),
      flux2_names());
  ASSERT_TRUE(source.has_value()) << source.error().message;
  const Result<Weight> plain = source->require("x_embedder.weight", {4, 3});
  ASSERT_FALSE(plain.has_value());
  EXPECT_EQ(plain.error().code, ErrorCode::invalid_argument);
  EXPECT_EQ(plain.error().message,
            "tensor \"img_in.weight\" (x_embedder.weight): expected [4, 3], file has [4, 2]");
  const Result<Weight> fused =
      source->require("transformer_blocks.0.attn.add_k_proj.weight", {3, 2});
  ASSERT_FALSE(fused.has_value());
  EXPECT_THAT(fused.error().message, HasSubstr("expected [9, 2], file has [6, 2]"));
}

TEST(WeightSource, NamesAMissingWeight) {
  const TestFolder folder;
  Result<WeightSource> source = WeightSource::open(
      write_counting(folder.path() / "m.safetensors", {{"a", {1}}}), flux2_names());
  ASSERT_TRUE(source.has_value()) << source.error().message;
  const Result<Weight> weight = source->require("proj_out.weight", {1, 1});
  ASSERT_FALSE(weight.has_value());
  EXPECT_EQ(weight.error().code, ErrorCode::not_found);
  EXPECT_EQ(weight.error().message, "tensor \"proj_out.weight\" is missing");
}

TEST(WeightSource, RefusesTypesThatNobodyReadsHereAndSaysWhatIsRead) {
  const TestFolder folder;
  for (const std::string type :
       {"F8_E4M3FNUZ", "I8"}) {  // whole numbers mean nothing by themselves
    folder.write("m.safetensors",
                 safetensors_bytes("{\"proj_out.weight\":{\"dtype\":\"" + type +
                                       "\",\"shape\":[2,2],\"data_offsets\":[0,4]}}",
                                   4));
    Result<WeightSource> source =
        WeightSource::open(folder.path() / "m.safetensors", flux2_names());
    ASSERT_TRUE(source.has_value()) << source.error().message;
    const Result<Weight> weight = source->require("proj_out.weight", {2, 2});
    ASSERT_FALSE(weight.has_value());
    EXPECT_EQ(weight.error().code, ErrorCode::unimplemented);
    EXPECT_THAT(weight.error().message,
                HasSubstr("stored as " + type + "; F32, BF16, F16, F8_E4M3"));
  }
}

TEST(WeightSource, CountsWhatNobodyAskedFor) {
  const TestFolder folder;
  Result<WeightSource> source = WeightSource::open(
      write_counting(folder.path() / "m.safetensors",
                     {{"img_in.weight", {2, 2}}, {"lora.weight", {2, 2}}, {"skipped.x", {1}}}),
      flux2_names());
  ASSERT_TRUE(source.has_value()) << source.error().message;
  ASSERT_TRUE(source->require("x_embedder.weight", {2, 2}).has_value());
  EXPECT_THAT(source->unused(), ElementsAre("lora.weight", "skipped.x"));
  const Result<> refused =
      source->refuse_unused([](std::string_view name) { return name.starts_with("skipped."); });
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().message, "1 tensor that this model does not know: \"lora.weight\"");
}

TEST(WeightSource, WidensVectorsAndRefusesWhatIsNotFinite) {
  const TestFolder folder;
  const std::array<std::uint16_t, 2> bf16 = {0x3f80, 0xc000};  // 1, -2
  const std::array<std::uint16_t, 2> half = {0x3c00, 0x7e00};  // 1, NaN
  const std::array<TensorToWrite, 2> tensors = {
      TensorToWrite{"good", DType::bf16, {2}, std::as_bytes(std::span(bf16))},
      TensorToWrite{"broken", DType::f16, {2}, std::as_bytes(std::span(half))}};
  ASSERT_TRUE(write_safetensors(folder.path() / "m.safetensors", tensors).has_value());
  Result<WeightSource> source = WeightSource::open(folder.path() / "m.safetensors", flux2_names());
  ASSERT_TRUE(source.has_value()) << source.error().message;
  const Result<std::vector<float>> good = source->require_vector("good", 2);
  ASSERT_TRUE(good.has_value()) << good.error().message;
  EXPECT_THAT(*good, ElementsAre(1.0f, -2.0f));
  const Result<std::vector<float>> broken = source->require_vector("broken", 2);
  ASSERT_FALSE(broken.has_value());
  EXPECT_THAT(broken.error().message, HasSubstr("tensor \"broken\": element 1 is nan"));
}

TEST(WeightSource, JoinsTheShardsOfAnIndex) {
  const Result<WeightSource> source =
      WeightSource::open(kGolden / "a2" / "transformer", flux2_names());
  ASSERT_TRUE(source.has_value()) << source.error().message;
  EXPECT_TRUE(source->has("x_embedder.weight"));
  EXPECT_TRUE(source->has("proj_out.weight"));
  EXPECT_EQ(source->size_bytes(), 2 * source->parameters());
}

TEST(WeightSource, RefusesABrokenIndex) {
  const TestFolder folder;
  write_counting(folder.path() / "one.safetensors", {{"a", {1}}});
  const auto error = [&](std::string_view map) {
    folder.write("model.safetensors.index.json", fmt::format("{{\"weight_map\":{}}}", map));
    return open_error(folder.path());
  };
  EXPECT_THAT(error("{\"a\":\"one.safetensors\"}"), IsEmpty());
  EXPECT_THAT(error("{\"a\":\"../one.safetensors\"}"), HasSubstr("no name of a file"));
  EXPECT_THAT(error("{\"a\":\"/etc/passwd\"}"), HasSubstr("no name of a file"));
  EXPECT_THAT(error("{\"a\":\"..\"}"), HasSubstr("no name of a file"));
  EXPECT_THAT(error("{\"a\":7}"), HasSubstr("no name of a file"));
  EXPECT_THAT(error("{\"a\":\"two.safetensors\"}"), HasSubstr("two.safetensors: no such file"));
  EXPECT_THAT(error("{\"b\":\"one.safetensors\"}"), HasSubstr("\"b\" is not in one.safetensors"));
  EXPECT_THAT(error("[1]"), HasSubstr("expected an object"));
  EXPECT_THAT(error("{\"a\":\"x\",\"a\":\"x\"}"), HasSubstr("twice"));
}

TEST(WeightSource, RefusesTheSameWeightUnderTwoNames) {
  const TestFolder folder;
  const fs::path path = write_counting(folder.path() / "m.safetensors",
                                       {{"img_in.weight", {1, 1}}, {"x_embedder.weight", {1, 1}}});
  EXPECT_THAT(open_error(path), HasSubstr("are the same weight (x_embedder.weight)"));
}

TEST(WeightSource, RefusesFusedRowsThatDoNotDivide) {
  const TestFolder folder;
  const fs::path path = write_counting(folder.path() / "m.safetensors",
                                       {{"double_blocks.0.img_attn.qkv.weight", {4, 2}}});
  EXPECT_THAT(open_error(path), HasSubstr("[4, 2] cannot be split into 3"));
}

/// A GGUF file with one tensor of Q8_0 blocks of scale 1; element i is the number i.
fs::path write_q8(const fs::path& path, std::string_view name, std::uint64_t rows,
                  std::uint64_t cols) {
  std::string data;
  for (std::uint64_t i = 0; i < rows * cols; ++i) {
    if (i % 32 == 0) data += le_bytes(0x3c00, 2);
    data += static_cast<char>(i);
  }
  GgufBytes file;
  file.tensor(name, {cols, rows}, 8, data);
  std::ofstream(path, std::ios::binary) << file.bytes();
  return path;
}

/// The names of a file that holds these tensors.
std::vector<std::string> names_in(std::span<const std::string_view> tensors,
                                  const NameTable& network) {
  GgufBytes file;
  for (const std::string_view name : tensors) file.tensor(name, {1}, 0, "1234");
  const TestFolder folder;
  const Result<WeightSource> source =
      WeightSource::open(folder.write("encoder.gguf", file.bytes()), network);
  EXPECT_TRUE(source.has_value()) << (source ? "" : source.error().message);
  return source ? source->names() : std::vector<std::string>();
}

TEST(WeightSource, LeavesTheFrequenciesThatOldTextEncodersKeep) {
  const TestFolder folder;
  Result<WeightSource> source =
      WeightSource::open(write_counting(folder.path() / "m.safetensors",
                                        {{"model.layers.0.self_attn.q_norm.weight", {2}},
                                         {"model.layers.0.self_attn.rotary_emb.inv_freq", {4}},
                                         {"model.rotary_emb.inv_freq", {4}}}),
                         qwen3_names());
  ASSERT_TRUE(source.has_value()) << source.error().message;
  EXPECT_THAT(source->names(), ElementsAre("model.layers.0.self_attn.q_norm.weight"));
}

TEST(WeightSource, KnowsEveryNameThatLlamaCppGivesQwen3) {
  const std::array<std::string_view, 14> llama = {
      "token_embd.weight",      "output_norm.weight",       "output.weight",
      "blk.0.attn_norm.weight", "blk.0.attn_q.weight",      "blk.0.attn_k.weight",
      "blk.0.attn_v.weight",    "blk.0.attn_q_norm.weight", "blk.0.attn_k_norm.weight",
      "blk.35.ffn_norm.weight", "blk.0.attn_output.weight", "blk.35.ffn_gate.weight",
      "blk.35.ffn_up.weight",   "blk.35.ffn_down.weight"};
  EXPECT_THAT(
      names_in(llama, qwen3_names()),  // without the language-model head
      ::testing::UnorderedElementsAre(
          "model.embed_tokens.weight", "model.norm.weight", "model.layers.0.input_layernorm.weight",
          "model.layers.0.self_attn.q_proj.weight", "model.layers.0.self_attn.k_proj.weight",
          "model.layers.0.self_attn.v_proj.weight", "model.layers.0.self_attn.q_norm.weight",
          "model.layers.0.self_attn.k_norm.weight", "model.layers.0.self_attn.o_proj.weight",
          "model.layers.35.post_attention_layernorm.weight", "model.layers.35.mlp.gate_proj.weight",
          "model.layers.35.mlp.up_proj.weight", "model.layers.35.mlp.down_proj.weight"));
}

TEST(WeightSource, KnowsEveryNameThatLlamaCppGivesT5) {
  const std::array<std::string_view, 12> llama = {
      "token_embd.weight",           "enc.output_norm.weight",    "enc.blk.0.attn_norm.weight",
      "enc.blk.0.attn_q.weight",     "enc.blk.0.attn_k.weight",   "enc.blk.0.attn_v.weight",
      "enc.blk.0.attn_o.weight",     "enc.blk.0.ffn_up.weight",   "enc.blk.23.ffn_norm.weight",
      "enc.blk.0.attn_rel_b.weight", "enc.blk.0.ffn_gate.weight", "enc.blk.0.ffn_down.weight"};
  EXPECT_THAT(names_in(llama, t5_names()),
              ::testing::UnorderedElementsAre(
                  "shared.weight", "encoder.final_layer_norm.weight",
                  "encoder.block.0.layer.0.layer_norm.weight",
                  "encoder.block.0.layer.0.SelfAttention.q.weight",
                  "encoder.block.0.layer.0.SelfAttention.k.weight",
                  "encoder.block.0.layer.0.SelfAttention.v.weight",
                  "encoder.block.0.layer.0.SelfAttention.o.weight",
                  "encoder.block.0.layer.0.SelfAttention.relative_attention_bias.weight",
                  "encoder.block.23.layer.1.layer_norm.weight",
                  "encoder.block.0.layer.1.DenseReluDense.wi_0.weight",
                  "encoder.block.0.layer.1.DenseReluDense.wi_1.weight",
                  "encoder.block.0.layer.1.DenseReluDense.wo.weight"));
}

TEST(WeightSource, CutsFusedRowsThatAreStoredInBlocks) {
  const TestFolder folder;
  Result<WeightSource> source = WeightSource::open(
      write_q8(folder.path() / "m.gguf", "double_blocks.0.img_attn.qkv.weight", 3, 32),
      flux2_names());
  ASSERT_TRUE(source.has_value()) << source.error().message;
  const std::vector<float> k = elements(*source, "transformer_blocks.0.attn.to_k.weight", {1, 32});
  ASSERT_EQ(k.size(), 32u);
  EXPECT_EQ(k.front(), 32);
  EXPECT_EQ(k.back(), 63);
}

TEST(WeightSource, ExchangesHalvesThatAreStoredInBlocks) {
  const TestFolder folder;
  Result<WeightSource> source = WeightSource::open(
      write_q8(folder.path() / "m.gguf", "final_layer.adaLN_modulation.1.weight", 2, 32),
      flux2_names());
  ASSERT_TRUE(source.has_value()) << source.error().message;
  const std::vector<float> rows = elements(*source, "norm_out.linear.weight", {2, 32});
  ASSERT_EQ(rows.size(), 64u);
  EXPECT_EQ(rows.front(), 32);
  EXPECT_EQ(rows.back(), 31);
}

TEST(WeightSource, DecodesVectorsThatAreStoredInBlocks) {
  const TestFolder folder;
  GgufBytes file;
  file.tensor("bias", {32}, 8, le_bytes(0x3c00, 2) + std::string(32, '\5'));
  Result<WeightSource> source =
      WeightSource::open(folder.write("n.gguf", file.bytes()), flux2_names());
  ASSERT_TRUE(source.has_value()) << source.error().message;
  const Result<std::vector<float>> values = source->require_vector("bias", 32);
  ASSERT_TRUE(values.has_value()) << values.error().message;
  EXPECT_THAT(*values, ::testing::Each(5.0f));
}

TEST(WeightSource, FindsTheOnlyGgufFileOfAFolder) {
  const TestFolder folder;
  write_q8(folder.path() / "flux-Q8_0.GGUF", "img_in.weight", 1, 32);
  const Result<WeightSource> source = WeightSource::open(folder.path(), flux2_names());
  ASSERT_TRUE(source.has_value()) << source.error().message;
  EXPECT_THAT(source->names(), ElementsAre("x_embedder.weight"));
  write_q8(folder.path() / "flux-Q4_0.gguf", "img_in.weight", 1, 32);
  EXPECT_THAT(open_error(folder.path()), HasSubstr("2 weight files and no index"));
}

}  // namespace
}  // namespace imagined::engine
