// The configuration files and tensor names of FLUX.1's parts.
#include <fmt/core.h>
#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "engine/formats/safetensors_write.h"
#include "engine/formats/test_files.h"
#include "engine/models/clip/clip_config.h"
#include "engine/models/clip/clip_names.h"
#include "engine/models/flux1/flux1_config.h"
#include "engine/models/flux1/flux1_names.h"
#include "engine/models/t5/t5_config.h"
#include "engine/models/t5/t5_names.h"
#include "engine/models/vae/vae_config.h"
#include "engine/models/vae/vae_names.h"

namespace imagined::engine {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// As published, without keys that nobody reads.
json dev_config() {
  return {{"_class_name", "FluxTransformer2DModel"},
          {"attention_head_dim", 128},
          {"axes_dims_rope", {16, 56, 56}},
          {"guidance_embeds", true},
          {"in_channels", 64},
          {"joint_attention_dim", 4096},
          {"num_attention_heads", 24},
          {"num_layers", 19},
          {"num_single_layers", 38},
          {"out_channels", nullptr},
          {"patch_size", 1},
          {"pooled_projection_dim", 768}};
}

json t5_config() {
  return {{"model_type", "t5"},
          {"d_model", 4096},
          {"d_kv", 64},
          {"d_ff", 10240},
          {"num_layers", 24},
          {"num_heads", 64},
          {"vocab_size", 32128},
          {"feed_forward_proj", "gated-gelu"},
          {"layer_norm_epsilon", 1e-6},
          {"relative_attention_num_buckets", 32},
          {"relative_attention_max_distance", 128}};
}

json clip_config() {
  return {{"model_type", "clip_text_model"},
          {"hidden_act", "quick_gelu"},
          {"hidden_size", 768},
          {"intermediate_size", 3072},
          {"num_attention_heads", 12},
          {"num_hidden_layers", 12},
          {"max_position_embeddings", 77},
          {"layer_norm_eps", 1e-5},
          {"eos_token_id", 2},
          {"vocab_size", 49408}};
}

json vae_config() {
  return {{"_class_name", "AutoencoderKL"},
          {"act_fn", "silu"},
          {"block_out_channels", {128, 256, 512, 512}},
          {"in_channels", 3},
          {"out_channels", 3},
          {"latent_channels", 16},
          {"layers_per_block", 2},
          {"latents_mean", nullptr},
          {"norm_num_groups", 32},
          {"scaling_factor", 0.3611},
          {"shift_factor", 0.1159},
          {"use_quant_conv", false},
          {"use_post_quant_conv", false}};
}

template <class Parse>
std::string error_with(json config, const char* key, const json& value, const Parse& parse) {
  config[key] = value;
  const auto parsed = parse(config.dump(), "config.json");
  return parsed ? "" : parsed.error().message;
}

TEST(Flux1Config, ReadsThePublishedFile) {
  const Result<Flux1Config> config = parse_flux1_config(dev_config().dump(), "config.json");
  ASSERT_TRUE(config.has_value()) << config.error().message;
  EXPECT_EQ(config->width(), 3072);
  EXPECT_EQ(config->mlp_size(), 12288);
  EXPECT_EQ(config->channels, 64);
  EXPECT_EQ(config->context_size, 4096);
  EXPECT_EQ(config->pooled_size, 768);
  EXPECT_TRUE(config->guidance_embeds);
  EXPECT_THAT(config->rope_axes, ElementsAre(16, 56, 56));
}

TEST(Flux1Config, RefusesWhatItDoesNotRun) {
  const auto error = [](const char* key, const json& value) {
    return error_with(dev_config(), key, value, parse_flux1_config);
  };
  EXPECT_THAT(error("_class_name", "FluxControlNetModel"), HasSubstr("FluxControlNetModel"));
  EXPECT_THAT(error("out_channels", 128), HasSubstr("64 in and 128 out"));
  EXPECT_THAT(error("axes_dims_rope", {16, 56, 54}), HasSubstr("3 numbers with the sum 128"));
  EXPECT_THAT(error("axes_dims_rope", {16, 55, 57}), HasSubstr("even"));
  EXPECT_THAT(error("num_attention_heads", "24"), HasSubstr("num_attention_heads"));
}

TEST(T5Config, ReadsThePublishedFile) {
  const Result<T5Config> config = parse_t5_config(t5_config().dump(), "config.json");
  ASSERT_TRUE(config.has_value()) << config.error().message;
  EXPECT_EQ(config->hidden_size, 4096);
  EXPECT_EQ(config->head_dim, 64);
  EXPECT_EQ(config->ffn_size, 10240);
  EXPECT_EQ(config->buckets, 32);
  EXPECT_EQ(config->max_distance, 128);
}

TEST(T5Config, RefusesTheFirstT5AndImpossibleBuckets) {
  const auto error = [](const char* key, const json& value) {
    return error_with(t5_config(), key, value, parse_t5_config);
  };
  EXPECT_THAT(error("feed_forward_proj", "relu"), HasSubstr("feed_forward_proj"));
  EXPECT_THAT(error("feed_forward_proj", nullptr), HasSubstr("gated-gelu"));
  EXPECT_THAT(error("relative_attention_num_buckets", 30), HasSubstr("multiple of 4"));
  EXPECT_THAT(error("relative_attention_max_distance", 8), HasSubstr("quarter"));
}

TEST(ClipConfig, ReadsThePublishedFileWithItsWrongEnd) {
  const Result<ClipConfig> config = parse_clip_config(clip_config().dump(), "config.json");
  ASSERT_TRUE(config.has_value()) << config.error().message;
  EXPECT_EQ(config->hidden_size, 768);
  EXPECT_EQ(config->heads, 12);
  EXPECT_EQ(config->positions, 77);
  EXPECT_EQ(config->norm_epsilon, 1e-5);
  EXPECT_FALSE(config->end_token.has_value());
}

TEST(ClipConfig, BelievesAnyOtherEnd) {
  json config = clip_config();
  config["eos_token_id"] = 49407;
  const Result<ClipConfig> parsed = parse_clip_config(config.dump(), "config.json");
  ASSERT_TRUE(parsed.has_value()) << parsed.error().message;
  EXPECT_EQ(parsed->end_token, 49407);
}

TEST(ClipConfig, RefusesOtherNetworks) {
  const auto error = [](const char* key, const json& value) {
    return error_with(clip_config(), key, value, parse_clip_config);
  };
  EXPECT_THAT(error("hidden_act", "gelu"), HasSubstr("hidden_act"));
  EXPECT_THAT(error("num_attention_heads", 7), HasSubstr("7 does not divide hidden_size 768"));
  EXPECT_THAT(error("eos_token_id", 49408), HasSubstr("eos_token_id"));
  EXPECT_THAT(error("max_position_embeddings", 1), HasSubstr("max_position_embeddings"));
}

TEST(VaeConfig, OfFlux1IsScaledAndShifted) {
  const Result<VaeConfig> config = parse_vae_config(vae_config().dump(), "config.json");
  ASSERT_TRUE(config.has_value()) << config.error().message;
  EXPECT_EQ(config->scaling_factor, 0.3611);
  EXPECT_EQ(config->shift_factor, 0.1159);
  EXPECT_EQ(config->latent_channels, 16);
  EXPECT_FALSE(config->quant_conv);
}

TEST(VaeConfig, RefusesStatisticsPerChannel) {
  EXPECT_THAT(error_with(vae_config(), "latents_mean", {0.1, 0.2}, parse_vae_config),
              HasSubstr("latents_mean"));
}

// --- names -------------------------------------------------------------------------------------

std::vector<std::string> names_of(std::string_view name, const NameTable& table = flux1_names()) {
  return table.canonical(name, 0).names;
}

/// The prefix under which the network lies; "none" where it is not there.
std::string prefix_of(const std::vector<std::string>& names, const NameTable& table) {
  std::vector<FileTensor> tensors(names.size());
  std::vector<const FileTensor*> pointers;
  for (std::size_t i = 0; i < names.size(); ++i) {
    tensors[i].name = names[i];
    pointers.push_back(&tensors[i]);
  }
  const NameTable* const tables[] = {&table};
  const Contents contents = sort_tensors(pointers, tables);
  const NetworkTensors* found = contents.find(table);
  return found == nullptr ? "none" : found->prefix;
}

TEST(Flux1Names, TakesEitherSpellingOfTheHeadNorms) {
  EXPECT_THAT(names_of("double_blocks.0.img_attn.norm.query_norm.scale"),
              ElementsAre("transformer_blocks.0.attn.norm_q.weight"));
  EXPECT_THAT(names_of("double_blocks.0.txt_attn.norm.key_norm.weight"),
              ElementsAre("transformer_blocks.0.attn.norm_added_k.weight"));
  EXPECT_THAT(names_of("single_blocks.3.norm.key_norm.scale"),
              ElementsAre("single_transformer_blocks.3.attn.norm_k.weight"));
}

TEST(Flux1Names, ExchangesTheHalvesOfTheLastModulationOnly) {
  for (const char* end : {".weight", ".bias"}) {
    const std::string last = std::string("final_layer.adaLN_modulation.1") + end;
    EXPECT_TRUE(flux1_names().canonical(last, 0).swap_halves);
    const std::string other = std::string("double_blocks.0.img_mod.lin") + end;
    EXPECT_FALSE(flux1_names().canonical(other, 0).swap_halves);
  }
}

TEST(Flux1Names, LeavesDiffusersNamesAlone) {
  const std::string name = "single_transformer_blocks.2.proj_mlp.bias";
  const CanonicalNames canonical = flux1_names().canonical(name, 0);
  EXPECT_THAT(canonical.names, ElementsAre(name));
  EXPECT_FALSE(canonical.bfl);
}

TEST(TextEncoderNames, LeaveOutWhatNoNetworkReads) {
  EXPECT_THAT(names_of("decoder.block.0.layer.0.layer_norm.weight", t5_names()), IsEmpty());
  EXPECT_THAT(names_of("lm_head.weight", t5_names()), IsEmpty());
  EXPECT_THAT(names_of("embeddings.position_ids", clip_names()), IsEmpty());
}

TEST(TextEncoderNames, AreFoundUnderAnyPrefix) {
  EXPECT_EQ(
      prefix_of({"logit_scale", "text_model.embeddings.token_embedding.weight"}, clip_names()),
      "text_model.");
  EXPECT_EQ(prefix_of({"embeddings.token_embedding.weight"}, clip_names()), "");
  EXPECT_EQ(prefix_of({"text_encoders.t5xxl.transformer.shared.weight",
                       "text_encoders.t5xxl.transformer.encoder.final_layer_norm.weight"},
                      t5_names()),
            "text_encoders.t5xxl.transformer.");
  EXPECT_THAT(names_of("final_layer_norm.bias", clip_names()),
              ElementsAre("text_model.final_layer_norm.bias"));
}

// --- shapes ------------------------------------------------------------------------------------

/// A file of zeros.
class ShapesFile {
 public:
  void add(const std::string& name, std::vector<std::int64_t> shape) {
    std::size_t count = 1;
    for (const std::int64_t size : shape) count *= static_cast<std::size_t>(size);
    tensors_.push_back({name, std::move(shape), std::vector<float>(count)});
  }
  Result<WeightSource> open(const NameTable& network) const {
    std::vector<TensorToWrite> list;
    for (const auto& [name, shape, values] : tensors_)
      list.push_back({name, DType::f32, shape, std::as_bytes(std::span(values))});
    const TestFolder folder;  // a file that is open outlives it
    EXPECT_TRUE(write_safetensors(folder.path() / "m.safetensors", list).has_value());
    return WeightSource::open(folder.path() / "m.safetensors", network);
  }

 private:
  struct Entry {
    std::string name;
    std::vector<std::int64_t> shape;
    std::vector<float> values;
  };
  std::vector<Entry> tensors_;
};

/// The tensors that give a transformer away; `out` channels of its last layer.
ShapesFile flux1_shapes(std::int64_t out) {
  ShapesFile file;
  file.add("img_in.weight", {64, 12});
  file.add("txt_in.weight", {64, 28});
  file.add("vector_in.in_layer.weight", {64, 9});
  file.add("guidance_in.in_layer.weight", {64, 256});
  file.add("double_blocks.0.img_attn.norm.query_norm.scale", {32});
  file.add("double_blocks.1.img_mod.lin.weight", {6, 1});
  file.add("single_blocks.2.linear1.weight", {7, 1});
  file.add("final_layer.linear.weight", {out, 64});
  return file;
}

TEST(Flux1Shapes, GiveAwayTheTransformer) {
  const auto source = flux1_shapes(12).open(flux1_names());
  ASSERT_TRUE(source.has_value()) << source.error().message;
  const Result<Flux1Config> config = detect_flux1(*source);
  ASSERT_TRUE(config.has_value()) << config.error().message;
  EXPECT_EQ(config->channels, 12);
  EXPECT_EQ(config->heads, 2);
  EXPECT_EQ(config->head_dim, 32);
  EXPECT_EQ(config->context_size, 28);
  EXPECT_EQ(config->pooled_size, 9);
  EXPECT_EQ(config->double_blocks, 2);
  EXPECT_EQ(config->single_blocks, 3);
  EXPECT_TRUE(config->guidance_embeds);
  EXPECT_THAT(config->rope_axes, ElementsAre(4, 14, 14));
}

TEST(Flux1Shapes, OfFillAndControlAreRefused) {
  const auto source = flux1_shapes(2).open(flux1_names());
  ASSERT_TRUE(source.has_value()) << source.error().message;
  const Result<Flux1Config> config = detect_flux1(*source);
  ASSERT_FALSE(config.has_value());
  EXPECT_EQ(config.error().code, ErrorCode::unimplemented);
  EXPECT_THAT(config.error().message, HasSubstr("12 channels in and 2 out"));
}

TEST(Flux1Shapes, GiveAwayT5UnderEitherNameOfItsEmbedding) {
  for (const char* embedding : {"shared.weight", "encoder.embed_tokens.weight"}) {
    ShapesFile file;
    const std::string block = "encoder.block.0.layer.";
    file.add(embedding, {70, 28});
    file.add(block + "0.SelfAttention.q.weight", {36, 28});
    file.add(block + "0.SelfAttention.relative_attention_bias.weight", {32, 3});
    file.add(block + "1.DenseReluDense.wi_0.weight", {44, 28});
    file.add("encoder.block.4.layer.0.layer_norm.weight", {28});
    file.add("encoder.final_layer_norm.weight", {28});
    const auto source = file.open(t5_names());
    ASSERT_TRUE(source.has_value()) << source.error().message;
    const Result<T5Config> config = detect_t5(*source);
    ASSERT_TRUE(config.has_value()) << config.error().message;
    EXPECT_EQ(config->vocab_size, 70);
    EXPECT_EQ(config->hidden_size, 28);
    EXPECT_EQ(config->layers, 5);
    EXPECT_EQ(config->heads, 3);
    EXPECT_EQ(config->head_dim, 12);
    EXPECT_EQ(config->ffn_size, 44);
    EXPECT_EQ(config->max_distance, 128);
  }
}

TEST(Flux1Shapes, GiveAwayClipWithAndWithoutItsPrefix) {
  for (const std::string prefix : {"", "text_model.", "text_encoders.clip_l.text_model."}) {
    ShapesFile file;
    file.add(prefix + "embeddings.token_embedding.weight", {50, 128});
    file.add(prefix + "embeddings.position_embedding.weight", {13, 128});
    file.add(prefix + "encoder.layers.1.mlp.fc1.weight", {40, 128});
    file.add(prefix + "encoder.layers.0.mlp.fc1.weight", {40, 128});
    const auto source = file.open(clip_names());
    ASSERT_TRUE(source.has_value()) << source.error().message;
    const Result<ClipConfig> config = detect_clip(*source);
    ASSERT_TRUE(config.has_value()) << config.error().message;
    EXPECT_EQ(config->vocab_size, 50);
    EXPECT_EQ(config->hidden_size, 128);
    EXPECT_EQ(config->layers, 2);
    EXPECT_EQ(config->heads, 2);
    EXPECT_EQ(config->ffn_size, 40);
    EXPECT_EQ(config->positions, 13);
  }
}

ShapesFile vae_shapes(std::int64_t latents) {
  ShapesFile file;
  file.add("encoder.conv_in.weight", {32, 3, 3, 3});
  file.add("encoder.down.0.block.0.conv1.weight", {32, 32, 3, 3});
  file.add("decoder.up.0.block.0.conv1.weight", {32, 32, 3, 3});
  file.add("decoder.conv_in.weight", {32, latents, 3, 3});
  file.add("decoder.conv_out.weight", {3, 32, 3, 3});
  return file;
}

TEST(Flux1Shapes, OfTheVaeMeanThePublishedScaleAtSixteenLatentsOnly) {
  const auto source = vae_shapes(16).open(vae_names());
  ASSERT_TRUE(source.has_value()) << source.error().message;
  const Result<VaeConfig> config = detect_vae(*source);
  ASSERT_TRUE(config.has_value()) << config.error().message;
  EXPECT_EQ(config->scaling_factor, 0.3611);
  EXPECT_EQ(config->shift_factor, 0.1159);
  const auto other = vae_shapes(32).open(vae_names());
  ASSERT_TRUE(other.has_value()) << other.error().message;
  const Result<VaeConfig> refused = detect_vae(*other);
  ASSERT_FALSE(refused.has_value());
  EXPECT_THAT(refused.error().message, HasSubstr("bn.running_mean"));
}

}  // namespace
}  // namespace imagined::engine
