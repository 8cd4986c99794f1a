#include "engine/families/model_folder.h"

#include <fmt/core.h>
#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "engine/formats/safetensors.h"
#include "engine/formats/test_files.h"
#include "engine/models/vae/vae_names.h"

namespace imagined::engine {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
namespace fs = std::filesystem;

const fs::path kGolden = fs::path(IMAGINED_SOURCE_DIR) / "tests" / "golden";

/// A copy of the configuration of a recorded model (no weights), with one file changed.
class ModelFolderTest : public ::testing::Test {
 protected:
  ModelFolderTest() {
    for (const char* file :
         {"model_index.json", "scheduler/scheduler_config.json", "text_encoder/config.json",
          "transformer/config.json", "vae/config.json", "tokenizer/tokenizer.json"})
      folder_.write(file, read_file(kGolden / "a1" / file));
  }
  json read(const std::string& file) const { return json::parse(read_file(folder_.path() / file)); }
  Result<ModelFolder> open() const { return open_model(folder_.path()); }
  /// The error after `key` of `file` was set to `value`.
  Error error_with(const std::string& file, const std::string& key, const json& value) const {
    const std::string before = read_file(folder_.path() / file);
    json changed = json::parse(before);
    changed[key] = value;
    folder_.write(file, changed.dump());
    const Result<ModelFolder> model = open();
    folder_.write(file, before);
    return model ? Error{ErrorCode::unknown, "no error", {}, {}} : model.error();
  }
  TestFolder folder_;
};

TEST_F(ModelFolderTest, ReadsEverySizeOfAPublishedLayout) {
  const Result<ModelFolder> model = open();
  ASSERT_TRUE(model.has_value()) << model.error().message;
  EXPECT_TRUE(model->distilled);
  EXPECT_EQ(model->family, "flux2-klein");
  EXPECT_EQ(model->flux2.width(), 64);
  EXPECT_EQ(model->flux2.mlp_size, 192);
  EXPECT_EQ(model->flux2.out_channels, 128);  // null in the file
  EXPECT_EQ(model->qwen3.head_dim, 8);
  EXPECT_EQ(model->qwen3.rope_theta, 1e6);                                   // in rope_parameters
  EXPECT_THAT(model->vae_config.decoder_channels, ElementsAre(4, 8, 8, 8));  // null in the file
  EXPECT_EQ(model->vae_config.pixels_per_token(), 16);
  EXPECT_THAT(model->text.taps, ElementsAre(9, 18, 27));
  EXPECT_EQ(model->text.max_tokens, 512);
  EXPECT_TRUE(model->text.pad);
  EXPECT_EQ(model->sampling.steps, 4);
}

TEST_F(ModelFolderTest, ReadsTheKeysThatDiffusersKeepsAsArguments) {
  json index = read("model_index.json");
  index["text_encoder_out_layers"] = {1, 2, 28};
  index["max_sequence_length"] = 40;
  index["text_padding"] = "none";
  index["is_distilled"] = false;
  folder_.write("model_index.json", index.dump());
  folder_.write("sampling.json",
                R"({"steps": 6, "guidance_scale": 2.5, "shift": 3, "native_pixels": 65536})");
  const Result<ModelFolder> model = open();
  ASSERT_TRUE(model.has_value()) << model.error().message;
  EXPECT_THAT(model->text.taps, ElementsAre(1, 2, 28));
  EXPECT_EQ(model->text.max_tokens, 40);
  EXPECT_FALSE(model->text.pad);
  EXPECT_EQ(model->sampling.steps, 6);
  EXPECT_EQ(model->sampling.guidance, 2.5);
  EXPECT_EQ(model->sampling.shift, 3.0);
  EXPECT_EQ(model->sampling.native_pixels, 65536);
}

TEST_F(ModelFolderTest, TakesTheModelBeforeDistillationToFiftySteps) {
  const Result<ModelFolder> model = open_model(kGolden / "a4");
  ASSERT_TRUE(model.has_value()) << model.error().message;
  EXPECT_FALSE(model->distilled);
  EXPECT_EQ(model->sampling.steps, 50);
  EXPECT_EQ(model->sampling.guidance, 4.0);
  EXPECT_EQ(model->vae_config.pixels_per_token(), 32);
  EXPECT_EQ(model->vae_config.batch_norm_epsilon, 1e-3);
}

TEST_F(ModelFolderTest, ReadsTheOlderSpellings) {
  const Result<ModelFolder> model = open_model(kGolden / "a2");
  ASSERT_TRUE(model.has_value()) << model.error().message;
  EXPECT_EQ(model->qwen3.rope_theta, 1e4);  // at the top level
  EXPECT_FALSE(model->qwen3.tied_embeddings);
  EXPECT_FALSE(model->scheduler.dynamic_shifting);
  EXPECT_EQ(model->scheduler.shift, 3.0);
}

TEST_F(ModelFolderTest, UsesTheDefaultHeadWidthOf128) {
  json config = read("text_encoder/config.json");
  config.erase("head_dim");
  const Result<Qwen3Config> parsed = parse_qwen3_config(config.dump(), "config.json");
  ASSERT_TRUE(parsed.has_value()) << parsed.error().message;
  EXPECT_EQ(parsed->head_dim, 128);
}

TEST_F(ModelFolderTest, IgnoresKeysThatItDoesNotKnow) {
  EXPECT_EQ(error_with("transformer/config.json", "pooled_projection_dim", 768).message,
            "no error");
}

TEST_F(ModelFolderTest, NamesAPipelineThatItCannotRun) {
  for (const char* name : {"Flux2Pipeline", "FluxFillPipeline"}) {
    const Error error = error_with("model_index.json", "_class_name", name);
    EXPECT_EQ(error.code, ErrorCode::unimplemented);
    EXPECT_THAT(error.message, HasSubstr(name));
  }
}

TEST_F(ModelFolderTest, TakesTheKvPipelineAsAModelThatCachesItsReferences) {
  EXPECT_FALSE(open_model(kGolden / "a1")->flux2.cached_references);
  json index = read("model_index.json");
  index["_class_name"] = "Flux2KleinKVPipeline";
  index.erase("is_distilled");
  ModelFolder model;
  const Result<> parsed = parse_model_index(index.dump(), model);
  ASSERT_TRUE(parsed.has_value()) << parsed.error().message;
  EXPECT_TRUE(model.cached_references);
  EXPECT_TRUE(model.distilled);
}

TEST_F(ModelFolderTest, TakesFluxPipelineAsFlux1) {
  const Result<ModelFolder> schnell = open_model(kGolden / "b1");
  ASSERT_TRUE(schnell.has_value()) << schnell.error().message;
  EXPECT_EQ(schnell->family, kFlux1);
  EXPECT_EQ(schnell->guidance, GuidanceUse::none);
  EXPECT_EQ(schnell->max_references, 0);
  EXPECT_EQ(schnell->noise_fold, 2);
  const Result<ModelFolder> dev = open_model(kGolden / "b2");
  ASSERT_TRUE(dev.has_value()) << dev.error().message;
  EXPECT_EQ(dev->guidance, GuidanceUse::embedded);
  EXPECT_TRUE(dev->scheduler.shift_on_line);
}

TEST_F(ModelFolderTest, SaysWhichOfFlux1sPartsDoNotFit) {
  struct Case {
    void (*change)(ModelFolder&);
    const char* message;
  };
  const Case cases[] = {
      {[](ModelFolder& m) { m.t5.hidden_size += 1; }, "joint_attention_dim"},
      {[](ModelFolder& m) { m.clip.hidden_size += 1; }, "pooled_projection_dim"},
      {[](ModelFolder& m) { m.vae_config.latent_channels += 1; }, "latent channels"},
      {[](ModelFolder& m) { m.vae_config.scaling_factor.reset(); }, "scaling_factor"},
  };
  for (const auto& [change, message] : cases) {
    ModelFolder model = *open_model(kGolden / "b1");
    EXPECT_TRUE(check_parts(model).has_value());
    change(model);
    const Result<> fits = check_parts(model);
    ASSERT_FALSE(fits.has_value()) << message;
    EXPECT_THAT(fits.error().message, HasSubstr(message));
  }
}

TEST_F(ModelFolderTest, NamesFileAndKeyOfEveryMistake) {
  struct Case {
    const char* file;
    const char* key;
    json value;
    ErrorCode code;
    const char* message;
  };
  using enum ErrorCode;
  const std::vector<Case> cases = {
      {"model_index.json", "vae", json(), invalid_argument, "\"vae\": missing"},
      {"model_index.json", "vae", {"diffusers", "AutoencoderKL"}, unimplemented, "AutoencoderKL"},
      {"model_index.json",
       "text_encoder",
       {"transformers", "T5EncoderModel"},
       unimplemented,
       "T5EncoderModel"},
      {"model_index.json", "is_distilled", "yes", invalid_argument, "expected true or false"},
      {"model_index.json", "text_encoder_out_layers", json::array(), invalid_argument, "list"},
      {"model_index.json", "text_encoder_out_layers", {9, 18, 29}, invalid_argument, "28 layers"},
      {"model_index.json",
       "text_encoder_out_layers",
       {9, 18},
       invalid_argument,
       "joint_attention_dim is 48, expected 32"},
      {"model_index.json", "max_sequence_length", 0, invalid_argument, "\"max_sequence_length\""},
      {"model_index.json", "text_padding", "left", invalid_argument, "\"text_padding\""},
      {"transformer/config.json", "num_layers", json(), invalid_argument,
       "transformer/config.json: \"num_layers\": missing"},
      {"transformer/config.json", "num_attention_heads", "1", invalid_argument, "found \"1\""},
      {"transformer/config.json", "num_attention_heads", 1.5, invalid_argument, "found 1.5"},
      {"transformer/config.json", "num_attention_heads", -1, invalid_argument, "found -1"},
      {"transformer/config.json", "num_attention_heads", 1e30, invalid_argument, "whole number"},
      {"transformer/config.json", "axes_dims_rope", {16, 16, 16}, invalid_argument, "sum 64"},
      {"transformer/config.json", "axes_dims_rope", {16, 16, 16, 18}, invalid_argument, "sum 66"},
      {"transformer/config.json", "axes_dims_rope", {17, 15, 16, 16}, invalid_argument, "even"},
      {"transformer/config.json", "mlp_ratio", 0, invalid_argument, "above 0"},
      {"transformer/config.json", "mlp_ratio", 1e9, invalid_argument, "inner width"},
      {"transformer/config.json", "patch_size", 2, unimplemented, "\"patch_size\""},
      {"transformer/config.json", "in_channels", 64, invalid_argument, "takes 64 channels"},
      {"transformer/config.json", "_class_name", "FluxTransformer2DModel", unimplemented,
       "FluxTransformer2DModel"},
      {"text_encoder/config.json", "hidden_size", 17, invalid_argument, "expected 51"},
      {"text_encoder/config.json", "num_key_value_heads", 3, invalid_argument, "does not divide"},
      {"text_encoder/config.json", "hidden_act", "gelu", unimplemented, "\"gelu\""},
      {"text_encoder/config.json", "attention_bias", true, unimplemented, "attention_bias"},
      {"text_encoder/config.json", "rope_theta", 5.0, invalid_argument, "rope_theta is 1000000"},
      {"text_encoder/config.json",
       "rope_parameters",
       {{"rope_type", "yarn"}},
       unimplemented,
       "yarn"},
      {"vae/config.json", "norm_num_groups", 3, invalid_argument, "divisible"},
      {"vae/config.json", "decoder_block_out_channels", {4, 8}, invalid_argument, "expected 4"},
      {"vae/config.json", "border_shuffle", 2, invalid_argument, "expected 12"},
      {"vae/config.json", "patch_size", {1, 1}, unimplemented, "patch_size"},
      {"vae/config.json", "latent_channels", 16, invalid_argument, "16 latent channels"},
      {"scheduler/scheduler_config.json", "use_karras_sigmas", true, unimplemented, "karras"},
      {"scheduler/scheduler_config.json", "time_shift_type", "cubic", invalid_argument, "cubic"},
      {"scheduler/scheduler_config.json", "shift_terminal", 1.5, invalid_argument, "below 1"},
      {"scheduler/scheduler_config.json", "shift", -3, invalid_argument, "above 0"},
  };
  for (const Case& one : cases) {
    const Error error = error_with(one.file, one.key, one.value);
    EXPECT_EQ(error.code, one.code) << one.file << " " << one.key << ": " << error.message;
    EXPECT_THAT(error.message, HasSubstr(one.message)) << one.file << " " << one.key;
  }
}

TEST_F(ModelFolderTest, RefusesTextsThatAreNoStrictJson) {
  const std::string deep = std::string(1000, '[') + std::string(1000, ']');
  for (const std::string& text :
       {std::string(), std::string("{"), std::string("[1]"), std::string("{\"a\":1,\"a\":2}"),
        std::string("\x80\x02pickle"), deep}) {
    folder_.write("vae/config.json", text);
    const Result<ModelFolder> model = open();
    ASSERT_FALSE(model.has_value());
    EXPECT_THAT(model.error().message, HasSubstr("vae/config.json: "));
  }
}

TEST_F(ModelFolderTest, RefusesASamplingFileThatContradictsTheVae) {
  folder_.write("sampling.json", R"({"pixels_per_token": 128})");
  const Result<ModelFolder> model = open();
  ASSERT_FALSE(model.has_value());
  EXPECT_EQ(model.error().message,
            "sampling.json: \"pixels_per_token\": 128 here, 16 by vae/config.json");
}

TEST_F(ModelFolderTest, NamesWhatIsMissing) {
  for (const char* part : {"transformer", "text_encoder", "vae", "tokenizer", "scheduler"}) {
    const fs::path hidden = folder_.path() / "hidden";
    fs::rename(folder_.path() / part, hidden);
    const Result<ModelFolder> model = open();
    fs::rename(hidden, folder_.path() / part);
    ASSERT_FALSE(model.has_value());
    EXPECT_EQ(model.error().code, ErrorCode::not_found);
    EXPECT_THAT(model.error().message, HasSubstr(fmt::format("{}/ is missing", part)));
  }
  EXPECT_EQ(open_model(folder_.path() / "nowhere").error().code, ErrorCode::not_found);
}

TEST_F(ModelFolderTest, KeepsPathsOutOfMessages) {
  fs::remove(folder_.path() / "vae/config.json");
  const Result<ModelFolder> model = open();
  ASSERT_FALSE(model.has_value());
  EXPECT_EQ(model.error().message.find(folder_.path().parent_path().string()), std::string::npos);
  EXPECT_THAT(model.error().detail, HasSubstr(folder_.path().string()));
}

// ---- single files ------------------------------------------------------------------------------

struct Shaped {
  std::string name;
  std::vector<std::int64_t> shape;
};
void write_zeros(const fs::path& path, const std::vector<Shaped>& tensors) {
  fs::create_directories(path.parent_path());
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

/// A transformer of width 64 (2 heads of 32), 2 + 3 blocks, 16 channels, text features of 24.
std::vector<Shaped> bfl_transformer() {
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

std::vector<Shaped> bfl_vae() {
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
std::vector<Shaped> text_encoder() {
  return {{"model.embed_tokens.weight", {700, 8}},
          {"model.layers.0.self_attn.q_norm.weight", {16}},
          {"model.layers.0.self_attn.q_proj.weight", {64, 8}},
          {"model.layers.0.self_attn.k_proj.weight", {32, 8}},
          {"model.layers.0.mlp.gate_proj.weight", {48, 8}},
          {"model.layers.26.input_layernorm.weight", {8}}};
}

TEST(SingleFile, IsReadFromTheShapesAndItsNeighbours) {
  const TestFolder folder;
  const fs::path file = folder.path() / "flux-2-klein-base-4b.safetensors";
  write_zeros(file, bfl_transformer());
  write_zeros(folder.path() / "ae.safetensors", bfl_vae());
  write_zeros(folder.path() / "qwen_3_4b.safetensors", text_encoder());
  folder.write("tokenizer/tokenizer.json", "{}");
  const Result<ModelFolder> model = open_model(file);
  ASSERT_TRUE(model.has_value()) << model.error().message;
  EXPECT_EQ(model->name, "flux-2-klein-base-4b");
  EXPECT_FALSE(model->distilled);
  EXPECT_EQ(model->flux2.double_blocks, 2);
  EXPECT_EQ(model->flux2.single_blocks, 3);
  EXPECT_EQ(model->flux2.heads, 2);
  EXPECT_EQ(model->flux2.mlp_size, 192);
  EXPECT_EQ(model->flux2.context_size, 24);
  EXPECT_THAT(model->flux2.rope_axes, ElementsAre(8, 8, 8, 8));
  EXPECT_EQ(model->qwen3.layers, 27);
  EXPECT_EQ(model->qwen3.kv_heads, 2);
  EXPECT_THAT(model->vae_config.encoder_channels, ElementsAre(32, 64));
  EXPECT_THAT(model->vae_config.decoder_channels, ElementsAre(32, 96));
  EXPECT_TRUE(model->vae_config.mid_attention);
  EXPECT_FALSE(model->vae_config.post_quant_conv);
  EXPECT_EQ(model->vae_config.latent_channels, 4);
  EXPECT_EQ(model->tokenizer, folder.path() / "tokenizer");
}

TEST(SingleFile, CachesItsReferencesWhenItsNameEndsInKv) {
  const TestFolder folder;
  const fs::path file = folder.path() / "flux-2-klein-9b-kv.safetensors";
  write_zeros(file, bfl_transformer());
  write_zeros(folder.path() / "ae.safetensors", bfl_vae());
  write_zeros(folder.path() / "qwen_3_8b.safetensors", text_encoder());
  folder.write("tokenizer/tokenizer.json", "{}");
  const Result<ModelFolder> model = open_model(file);
  ASSERT_TRUE(model.has_value()) << model.error().message;
  EXPECT_TRUE(model->flux2.cached_references);
}

/// What tells a FLUX.1 transformer of width 64 (2 heads of 32), 1 + 2 blocks and `in` channels.
std::vector<Shaped> flux1_transformer(std::int64_t in) {
  return {{"img_in.weight", {64, in}},
          {"txt_in.weight", {64, 24}},
          {"vector_in.in_layer.weight", {64, 128}},
          {"double_blocks.0.img_mod.lin.weight", {384, 64}},
          {"double_blocks.0.img_attn.norm.query_norm.scale", {32}},
          {"single_blocks.1.modulation.lin.weight", {192, 64}},
          {"final_layer.linear.weight", {64, 64}}};
}

TEST(SingleFile, OfFlux1IsToldByItsTensorsAndFindsItsParts) {
  const TestFolder folder;
  const fs::path root = folder.path() / "split_files";
  write_zeros(root / "diffusion_models" / "flux1-schnell.safetensors", flux1_transformer(64));
  write_zeros(root / "text_encoders" / "t5xxl_fp16.safetensors",
              {{"shared.weight", {99, 24}},
               {"encoder.block.0.layer.0.SelfAttention.q.weight", {32, 24}},
               {"encoder.block.0.layer.0.SelfAttention.relative_attention_bias.weight", {32, 4}},
               {"encoder.block.4.layer.1.DenseReluDense.wi_0.weight", {40, 24}},
               {"encoder.block.0.layer.1.DenseReluDense.wi_0.weight", {40, 24}}});
  write_zeros(root / "text_encoders" / "clip_l.safetensors",
              {{"text_model.embeddings.token_embedding.weight", {98, 128}},
               {"text_model.embeddings.position_embedding.weight", {77, 128}},
               {"text_model.encoder.layers.2.mlp.fc1.weight", {256, 128}},
               {"text_model.encoder.layers.0.mlp.fc1.weight", {256, 128}}});
  std::vector<Shaped> vae = bfl_vae();
  std::erase_if(vae, [](const Shaped& t) { return t.name.find("bn.") == 0; });
  for (Shaped& tensor : vae)
    if (tensor.name == "decoder.conv_in.weight") tensor.shape[1] = 16;
  write_zeros(root / "vae" / "ae.safetensors", vae);
  folder.write("split_files/tokenizer/vocab.json", "{}");
  folder.write("split_files/tokenizer_2/tokenizer.json", "{}");
  const Result<ModelFolder> model = open_model(folder.path());
  ASSERT_TRUE(model.has_value()) << model.error().message;
  EXPECT_EQ(model->family, kFlux1);
  EXPECT_EQ(model->flux1.double_blocks, 1);
  EXPECT_EQ(model->flux1.single_blocks, 2);
  EXPECT_THAT(model->flux1.rope_axes, ElementsAre(4, 14, 14));
  EXPECT_EQ(model->text_encoder.filename(), "clip_l.safetensors");
  EXPECT_EQ(model->clip.layers, 3);
  EXPECT_EQ(model->text_encoder_2.filename(), "t5xxl_fp16.safetensors");
  EXPECT_EQ(model->t5.layers, 5);
  EXPECT_EQ(model->text.max_tokens, 256);
  EXPECT_FALSE(model->scheduler.dynamic_shifting);
  EXPECT_EQ(model->scheduler.shift, 1.0);
}

TEST(SingleFile, IsFoundInComfyUisFolders) {
  const TestFolder folder;
  const fs::path root = folder.path() / "split_files";
  write_zeros(root / "diffusion_models" / "flux-2-klein-4b.safetensors", bfl_transformer());
  write_zeros(root / "vae" / "flux2-vae.safetensors", bfl_vae());
  write_zeros(root / "text_encoders" / "qwen_3_4b.safetensors", text_encoder());
  folder.write("split_files/tokenizer/tokenizer.json", "{}");
  const Result<ModelFolder> model = open_model(folder.path());
  ASSERT_TRUE(model.has_value()) << model.error().message;
  EXPECT_TRUE(model->distilled);
  EXPECT_EQ(model->vae.filename(), "flux2-vae.safetensors");
  EXPECT_EQ(model->text_encoder.filename(), "qwen_3_4b.safetensors");
  EXPECT_EQ(model->tokenizer, root / "tokenizer");
}

TEST(SingleFile, TakesWhatShapesCannotSayFromTheFolderAroundIt) {
  const TestFolder folder;
  write_zeros(folder.path() / "flux-2-klein-4b.safetensors", bfl_transformer());
  write_zeros(folder.path() / "ae.safetensors", bfl_vae());
  write_zeros(folder.path() / "qwen_3_4b.safetensors", text_encoder());
  folder.write("tokenizer/tokenizer.json", "{}");
  json index = json::parse(read_file(kGolden / "a1" / "model_index.json"));
  index["is_distilled"] = false;
  index["max_sequence_length"] = 77;
  folder.write("model_index.json", index.dump());
  folder.write("scheduler/scheduler_config.json", R"({"use_dynamic_shifting": false, "shift": 2})");
  json transformer = {
      {"num_layers", 2},          {"num_single_layers", 3},           {"num_attention_heads", 2},
      {"attention_head_dim", 32}, {"joint_attention_dim", 24},        {"in_channels", 16},
      {"rope_theta", 500},        {"axes_dims_rope", {4, 12, 12, 4}}, {"guidance_embeds", false}};
  folder.write("transformer/config.json", transformer.dump());
  const Result<ModelFolder> model = open_model(folder.path());  // transformer/ has no weights
  ASSERT_TRUE(model.has_value()) << model.error().message;
  EXPECT_EQ(model->transformer.filename(), "flux-2-klein-4b.safetensors");
  EXPECT_FALSE(model->distilled);
  EXPECT_EQ(model->text.max_tokens, 77);
  EXPECT_EQ(model->scheduler.shift, 2.0);
  EXPECT_THAT(model->flux2.rope_axes, ElementsAre(4, 12, 12, 4));
  EXPECT_EQ(model->flux2.rope_theta, 500.0);
  transformer["num_layers"] = 7;  // another model's
  folder.write("transformer/config.json", transformer.dump());
  const Result<ModelFolder> other = open_model(folder.path());
  ASSERT_TRUE(other.has_value()) << other.error().message;
  EXPECT_THAT(other->flux2.rope_axes, ElementsAre(8, 8, 8, 8));
}

TEST(SingleFile, NamesThePartThatItCannotFind) {
  const TestFolder folder;
  const fs::path file = folder.path() / "inner" / "flux-2-klein-4b.safetensors";
  write_zeros(file, bfl_transformer());
  const auto message = [&] {
    const Result<ModelFolder> model = open_model(file);
    return model ? std::string() : model.error().message;
  };
  EXPECT_THAT(message(), HasSubstr("a text encoder beside it"));
  write_zeros(folder.path() / "inner" / "qwen.safetensors", text_encoder());
  EXPECT_THAT(message(), HasSubstr("a VAE beside it"));
  write_zeros(folder.path() / "inner" / "ae.safetensors", bfl_vae());
  EXPECT_THAT(message(), HasSubstr("tokenizer"));
}

TEST(SingleFile, AsksForAConfigurationWhereTheRopeAxesCannotBeGuessed) {
  const TestFolder folder;
  const fs::path file = folder.path() / "flux1-tiny.safetensors";
  fs::copy(kGolden / "b1" / "transformer" / "diffusion_pytorch_model.safetensors", file);
  for (const char* part : {"text_encoder", "text_encoder_2", "tokenizer", "tokenizer_2", "vae"})
    fs::copy(kGolden / "b1" / part, folder.path() / part, fs::copy_options::recursive);
  const Result<ModelFolder> without = open_model(file);
  ASSERT_FALSE(without.has_value());
  EXPECT_THAT(without.error().message, HasSubstr("transformer/config.json"));
  fs::create_directories(folder.path() / "transformer");
  fs::copy(kGolden / "b1" / "transformer" / "config.json",
           folder.path() / "transformer" / "config.json");
  const Result<ModelFolder> with = open_model(file);
  ASSERT_TRUE(with.has_value()) << with.error().message;
  EXPECT_EQ(with->flux1.rope_axes, open_model(kGolden / "b1")->flux1.rope_axes);
}

TEST(SingleFile, RefusesFlux1Fill) {
  const TestFolder folder;
  const fs::path file = folder.path() / "flux1-fill-dev.safetensors";
  write_zeros(file, flux1_transformer(384));
  const Result<ModelFolder> model = open_model(file);
  ASSERT_FALSE(model.has_value());
  EXPECT_EQ(model.error().code, ErrorCode::unimplemented);
  EXPECT_THAT(model.error().message, HasSubstr("Fill"));
}

TEST(SingleFile, RefusesAVaeWithoutItsStatistics) {
  std::vector<Shaped> tensors = bfl_vae();
  std::erase_if(tensors, [](const Shaped& tensor) { return tensor.name == "bn.running_var"; });
  const TestFolder folder;
  write_zeros(folder.path() / "ae.safetensors", tensors);
  const Result<WeightSource> weights =
      WeightSource::open(folder.path() / "ae.safetensors", vae_names());
  ASSERT_TRUE(weights.has_value());
  const Result<VaeConfig> config = detect_vae(*weights);
  ASSERT_FALSE(config.has_value());
  EXPECT_THAT(config.error().message, HasSubstr("bn.running_var"));
}

TEST(FindTokenizer, NeedsNoOtherPart) {
  const TestFolder folder;
  folder.write("tokenizer/tokenizer.json", "{}");
  EXPECT_EQ(find_tokenizer(folder.path()).value(), folder.path() / "tokenizer");
  EXPECT_EQ(find_tokenizer(folder.path() / "tokenizer").value(), folder.path() / "tokenizer");
  const TestFolder empty;
  EXPECT_EQ(find_tokenizer(empty.path()).error().code, ErrorCode::not_found);
}

}  // namespace
}  // namespace imagined::engine
