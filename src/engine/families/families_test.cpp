#include "engine/families/families.h"

#include <fmt/core.h>
#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "engine/families/flux1/flux1_family.h"
#include "engine/families/flux1/plan.h"
#include "engine/families/flux2_klein/flux2_klein.h"
#include "engine/families/flux2_klein/plan.h"
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

/// A copy of a recorded model, its weights by link, with one file changed.
class ModelFolderTest : public ::testing::Test {
 protected:
  ModelFolderTest() {
    for (const char* file :
         {"model_index.json", "scheduler/scheduler_config.json", "text_encoder/config.json",
          "transformer/config.json", "vae/config.json", "tokenizer/tokenizer.json"})
      folder_.write(file, bytes_in(kGolden / "a1" / file));
    for (const char* file :
         {"transformer/diffusion_pytorch_model.safetensors", "text_encoder/model.safetensors",
          "vae/diffusion_pytorch_model.safetensors"})
      fs::create_symlink(kGolden / "a1" / file, folder_.path() / file);
  }
  json read(const std::string& file) const { return json::parse(bytes_in(folder_.path() / file)); }
  Result<ModelPlan> open() const { return open_model(folder_.path()); }
  /// The error after `key` of `file` was set to `value`.
  Error error_with(const std::string& file, const std::string& key, const json& value) const {
    const std::string before = bytes_in(folder_.path() / file);
    json changed = json::parse(before);
    changed[key] = value;
    folder_.write(file, changed.dump());
    const Result<ModelPlan> model = open();
    folder_.write(file, before);
    return model ? Error{ErrorCode::unknown, "no error", {}, {}} : model.error();
  }
  TestFolder folder_;
};

TEST_F(ModelFolderTest, ReadsEverySizeOfAPublishedLayout) {
  const Result<ModelPlan> model = open();
  ASSERT_TRUE(model.has_value()) << model.error().message;
  EXPECT_TRUE(model->distilled.value);
  EXPECT_EQ(model->family, &kFlux2Klein);
  EXPECT_EQ(model->own_as<KleinPlan>().transformer.width(), 64);
  EXPECT_EQ(model->own_as<KleinPlan>().transformer.mlp_size, 192);
  EXPECT_EQ(model->own_as<KleinPlan>().transformer.out_channels, 128);  // null in the file
  EXPECT_EQ(model->own_as<KleinPlan>().text_encoder.head_dim, 8);
  EXPECT_EQ(model->own_as<KleinPlan>().text_encoder.rope_theta, 1e6);  // in rope_parameters
  EXPECT_THAT(model->vae.decoder_channels, ElementsAre(4, 8, 8, 8));   // null in the file
  EXPECT_EQ(model->vae.pixels_per_token(), 16);
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
  index["max_references"] = 3;
  index["is_distilled"] = false;
  folder_.write("model_index.json", index.dump());
  folder_.write("sampling.json",
                R"({"steps": 6, "guidance_scale": 2.5, "shift": 3, "native_pixels": 65536})");
  const Result<ModelPlan> model = open();
  ASSERT_TRUE(model.has_value()) << model.error().message;
  EXPECT_THAT(model->text.taps, ElementsAre(1, 2, 28));
  EXPECT_EQ(model->text.max_tokens, 40);
  EXPECT_FALSE(model->text.pad);
  EXPECT_EQ(model->max_references, 3);
  EXPECT_EQ(model->sampling.steps, 6);
  EXPECT_EQ(model->sampling.guidance, 2.5);
  EXPECT_EQ(model->sampling.shift, 3.0);
  EXPECT_EQ(model->sampling.native_pixels, 65536);
}

TEST_F(ModelFolderTest, TakesTheModelBeforeDistillationToFiftySteps) {
  const Result<ModelPlan> model = open_model(kGolden / "a4");
  ASSERT_TRUE(model.has_value()) << model.error().message;
  EXPECT_FALSE(model->distilled.value);
  EXPECT_EQ(model->sampling.steps, 50);
  EXPECT_EQ(model->sampling.guidance, 4.0);
  EXPECT_EQ(model->vae.pixels_per_token(), 32);
  EXPECT_EQ(model->vae.batch_norm_epsilon, 1e-3);
}

TEST_F(ModelFolderTest, ReadsTheOlderSpellings) {
  const Result<ModelPlan> model = open_model(kGolden / "a2");
  ASSERT_TRUE(model.has_value()) << model.error().message;
  EXPECT_EQ(model->own_as<KleinPlan>().text_encoder.rope_theta, 1e4);  // at the top level
  EXPECT_FALSE(model->own_as<KleinPlan>().text_encoder.tied_embeddings);
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
  for (const char* name : {"StableDiffusion3Pipeline", "FluxFillPipeline"}) {
    const Error error = error_with("model_index.json", "_class_name", name);
    EXPECT_EQ(error.code, ErrorCode::unimplemented);
    EXPECT_THAT(error.message, HasSubstr(name));
  }
}

TEST_F(ModelFolderTest, TakesTheKvPipelineAsAModelThatCachesItsReferences) {
  EXPECT_FALSE(open_model(kGolden / "a1")->cached_references.value);
  json index = read("model_index.json");
  index["_class_name"] = "Flux2KleinKVPipeline";
  index.erase("is_distilled");
  folder_.write("model_index.json", index.dump());
  const Result<ModelPlan> model = open();
  ASSERT_TRUE(model.has_value()) << model.error().message;
  EXPECT_TRUE(model->cached_references.value);
  EXPECT_TRUE(model->own_as<KleinPlan>().transformer.cached_references);
  EXPECT_TRUE(model->distilled.value);
}

TEST_F(ModelFolderTest, TakesFlux2PipelineAsDev) {
  const Result<ModelPlan> dev = open_model(kGolden / "c1");
  ASSERT_TRUE(dev.has_value()) << dev.error().message;
  EXPECT_EQ(dev->family->name, "flux2-dev");
  EXPECT_EQ(dev->guidance, GuidanceUse::embedded);
  EXPECT_EQ(dev->sampling.steps, 50);
  EXPECT_EQ(dev->max_references, 8);
  EXPECT_THAT(error_with("model_index.json", "_class_name", "Flux2Pipeline").message,
              HasSubstr("Qwen3ForCausalLM"));
}

TEST_F(ModelFolderTest, TakesFluxPipelineAsFlux1) {
  const Result<ModelPlan> schnell = open_model(kGolden / "b1");
  ASSERT_TRUE(schnell.has_value()) << schnell.error().message;
  EXPECT_EQ(schnell->family, &kFlux1);
  EXPECT_EQ(schnell->guidance, GuidanceUse::none);
  EXPECT_EQ(schnell->max_references, 0);
  EXPECT_EQ(schnell->noise_fold, 2);
  const Result<ModelPlan> dev = open_model(kGolden / "b2");
  ASSERT_TRUE(dev.has_value()) << dev.error().message;
  EXPECT_EQ(dev->guidance, GuidanceUse::embedded);
  EXPECT_TRUE(dev->scheduler.shift_on_line);
}

TEST_F(ModelFolderTest, TakesKontextAsTheFlux1WithOneReference) {
  const Result<ModelPlan> kontext = open_model(kGolden / "b3");
  ASSERT_TRUE(kontext.has_value()) << kontext.error().message;
  EXPECT_EQ(kontext->family, &kFlux1);
  EXPECT_EQ(kontext->max_references, 1);
  EXPECT_EQ(kontext->reference_sizes.size(), 17u);
  EXPECT_TRUE(open_model(kGolden / "b2")->reference_sizes.empty());
}

TEST_F(ModelFolderTest, SaysWhichOfFlux1sPartsDoNotFit) {
  struct Case {
    void (*change)(ModelPlan&, Flux1Plan&);
    const char* message;
  };
  const Case cases[] = {
      {[](ModelPlan&, Flux1Plan& own) { own.t5.hidden_size += 1; }, "joint_attention_dim"},
      {[](ModelPlan&, Flux1Plan& own) { own.clip.hidden_size += 1; }, "pooled_projection_dim"},
      {[](ModelPlan& plan, Flux1Plan&) { plan.vae.latent_channels += 1; }, "latent channels"},
      {[](ModelPlan& plan, Flux1Plan&) { plan.vae.scaling_factor.reset(); }, "scaling_factor"},
  };
  for (const auto& [change, message] : cases) {
    ModelPlan model = *open_model(kGolden / "b1");
    EXPECT_TRUE(kFlux1.check(model).has_value());
    auto own = std::make_shared<Flux1Plan>(model.own_as<Flux1Plan>());
    change(model, *own);
    model.own = own;
    const Result<> fits = kFlux1.check(model);
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
      {"model_index.json", "max_references", 9, invalid_argument, "\"max_references\""},
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
    const Result<ModelPlan> model = open();
    ASSERT_FALSE(model.has_value());
    EXPECT_THAT(model.error().message, HasSubstr("vae/config.json: "));
  }
}

TEST_F(ModelFolderTest, RefusesASamplingFileThatContradictsTheVae) {
  folder_.write("sampling.json", R"({"pixels_per_token": 128})");
  const Result<ModelPlan> model = open();
  ASSERT_FALSE(model.has_value());
  EXPECT_EQ(model.error().message,
            "sampling.json: \"pixels_per_token\": 128 here, 16 by vae/config.json");
}

TEST_F(ModelFolderTest, NamesWhatIsMissing) {
  for (const char* part : {"transformer", "text_encoder", "vae", "tokenizer", "scheduler"}) {
    const fs::path hidden = folder_.path() / "hidden";
    fs::rename(folder_.path() / part, hidden);
    const Result<ModelPlan> model = open();
    fs::rename(hidden, folder_.path() / part);
    ASSERT_FALSE(model.has_value());
    EXPECT_EQ(model.error().code, ErrorCode::not_found);
    EXPECT_THAT(model.error().message, HasSubstr(fmt::format("{}/ is missing", part)));
  }
  EXPECT_EQ(open_model(folder_.path() / "nowhere").error().code, ErrorCode::not_found);
}

TEST_F(ModelFolderTest, KeepsPathsOutOfMessages) {
  fs::remove(folder_.path() / "vae/config.json");
  const Result<ModelPlan> model = open();
  ASSERT_FALSE(model.has_value());
  EXPECT_EQ(model.error().message.find(folder_.path().parent_path().string()), std::string::npos);
  EXPECT_THAT(model.error().detail, HasSubstr(folder_.path().string()));
}

}  // namespace
}  // namespace imagined::engine
