#include <fmt/core.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "engine/families/families.h"
#include "engine/families/small_models_testing.h"
#include "engine/families/wan/plan.h"
#include "engine/families/wan/wan_family.h"
#include "engine/formats/test_files.h"

namespace imagined::engine {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
namespace fs = std::filesystem;

const fs::path kGolden = fs::path(IMAGINED_SOURCE_DIR) / "tests" / "golden";

/// A copy of a recorded model, its weights by link, with one file changed.
class WanFolder : public ::testing::Test {
 protected:
  void copy(const std::string& model) {
    for (const char* file :
         {"model_index.json", "scheduler/scheduler_config.json", "text_encoder/config.json",
          "transformer/config.json", "vae/config.json", "tokenizer/tokenizer.json",
          "tokenizer/tokenizer_config.json"})
      folder_.write(file, bytes_in(kGolden / model / file));
    for (const char* file :
         {"transformer/diffusion_pytorch_model.safetensors", "text_encoder/model.safetensors",
          "vae/diffusion_pytorch_model.safetensors"})
      fs::create_symlink(kGolden / model / file, folder_.path() / file);
  }
  json read(const std::string& file) const { return json::parse(bytes_in(folder_.path() / file)); }
  Result<ModelPlan> open() const { return open_model(folder_.path()); }
  /// The error after `key` of `file` was set to `value`; null takes it away.
  Error error_with(const std::string& file, const std::string& key, const json& value) const {
    const std::string before = bytes_in(folder_.path() / file);
    json changed = json::parse(before);
    if (value.is_null())
      changed.erase(key);
    else
      changed[key] = value;
    folder_.write(file, changed.dump());
    const Result<ModelPlan> model = open();
    folder_.write(file, before);
    return model ? Error{ErrorCode::unknown, "no error", {}, {}} : model.error();
  }
  const TestFolder folder_;
};

TEST_F(WanFolder, OfTheBaseModelRunsItsOwnSchedulerWithGuidance) {
  copy("d1");
  const Result<ModelPlan> plan = open();
  ASSERT_TRUE(plan.has_value()) << plan.error().message;
  EXPECT_EQ(plan->family, &kWan);
  EXPECT_FALSE(plan->distilled.value);
  EXPECT_EQ(plan->guidance, GuidanceUse::two_passes);
  EXPECT_EQ(plan->scheduler.solver, Solver::unipc);
  EXPECT_EQ(plan->scheduler.shift, 5);
  EXPECT_TRUE(plan->distilled_times.empty());
  EXPECT_EQ(plan->sampling.steps, 50);
  EXPECT_EQ(plan->sampling.guidance, 5);
  EXPECT_EQ(plan->sampling.clips.frames, 121);
  EXPECT_EQ(plan->sampling.clips.frames_per_second, 24);
  EXPECT_EQ(plan->pixels_per_token, 32);
  EXPECT_THAT(plan->own_as<WanPlan>().transformer.rope_axes, ElementsAre(8, 6, 6));
}

TEST_F(WanFolder, OfFastWanIsToldItsThreeTimesWithoutGuidance) {
  copy("d2");
  const Result<ModelPlan> plan = open();
  ASSERT_TRUE(plan.has_value()) << plan.error().message;
  EXPECT_TRUE(plan->distilled.value);
  EXPECT_EQ(plan->guidance, GuidanceUse::none);
  EXPECT_EQ(plan->scheduler.solver, Solver::dmd);  // whatever its scheduler's file is of
  EXPECT_EQ(plan->scheduler.shift, 5);
  EXPECT_THAT(plan->distilled_times, ElementsAre(1.0f, 0.757f, 0.522f));
  EXPECT_EQ(plan->sampling.steps, 3);
}

TEST_F(WanFolder, OfTheBaseModelIsDistilledWhereTheConfigurationSaysSo) {
  copy("d1");
  const Result<ModelPlan> plan = open_model(
      folder_.path(), {.parts = {}, .distilled = true, .cached_references = {}, .loras = {}});
  ASSERT_TRUE(plan.has_value()) << plan.error().message;
  EXPECT_EQ(plan->guidance, GuidanceUse::none);
  EXPECT_EQ(plan->scheduler.solver, Solver::dmd);
  EXPECT_EQ(plan->distilled_times.size(), 3u);
}

TEST_F(WanFolder, TakesAFlowMatchingSchedulerToo) {
  copy("d1");
  json index = read("model_index.json");
  index["scheduler"] = {"diffusers", "FlowMatchEulerDiscreteScheduler"};
  folder_.write("model_index.json", index.dump());
  folder_.write("scheduler/scheduler_config.json",
                R"({"_class_name": "FlowMatchEulerDiscreteScheduler", "shift": 4.0})");
  const Result<ModelPlan> plan = open();
  ASSERT_TRUE(plan.has_value()) << plan.error().message;
  EXPECT_EQ(plan->scheduler.solver, Solver::euler);
  EXPECT_EQ(plan->scheduler.shift, 4);
}

// Each names what would do.
TEST_F(WanFolder, OfAnotherWanIsRefusedByName) {
  copy("d1");
  struct Case {
    const char* file;
    const char* key;
    json value;
    const char* says;
  };
  const Case cases[] = {
      {"model_index.json", "boundary_ratio", 0.875, "A14B"},
      {"model_index.json", "transformer_2", {"diffusers", "WanTransformer3DModel"}, "A14B"},
      {"model_index.json", "expand_timesteps", nullptr, "Wan2.2-TI2V-5B"},
      {"model_index.json", "_class_name", "WanVACEPipeline", "WanPipeline"},
      {"model_index.json", "vae", {"diffusers", "AutoencoderKLMagi"}, "AutoencoderKLWan"},
      {"vae/config.json", "is_residual", false, "Wan2.2-TI2V-5B"},
      {"vae/config.json", "attn_scales", {0.5}, "attention within levels"},
      {"transformer/config.json", "image_dim", 1280, "Wan2.2-TI2V-5B"},
      {"transformer/config.json", "in_channels", 36, "Wan2.2-TI2V-5B"},
      {"transformer/config.json", "patch_size", {1, 1, 1}, "[1, 2, 2]"},
      {"transformer/config.json", "qk_norm", "layer_norm", "rms_norm_across_heads"},
      {"scheduler/scheduler_config.json", "use_flow_sigmas", false, "flow"},
      {"scheduler/scheduler_config.json", "prediction_type", "epsilon", "flow_prediction"},
      {"scheduler/scheduler_config.json", "solver_order", 3, "only 2"},
      {"scheduler/scheduler_config.json", "solver_type", "bh1", "bh2"},
      {"scheduler/scheduler_config.json", "disable_corrector", {0}, "disable_corrector"},
      {"text_encoder/config.json", "model_type", "t5", "umt5"},
  };
  for (const auto& [file, key, value, says] : cases) {
    const Error error = error_with(file, key, value);
    EXPECT_EQ(error.code, ErrorCode::unimplemented) << key << ": " << error.message;
    EXPECT_THAT(error.message, HasSubstr(key));
    EXPECT_THAT(error.message, HasSubstr(says));
  }
}

TEST_F(WanFolder, WithAnImpossibleValueIsRefusedWithItsKey) {
  copy("d1");
  struct Case {
    const char* file;
    const char* key;
    json value;
  };
  const Case cases[] = {
      {"vae/config.json", "latents_mean", {0.5}},
      {"vae/config.json", "latents_std", {1, 1, 1, 1, 1, -1}},
      {"vae/config.json", "temperal_downsample", {true}},
      {"vae/config.json", "temperal_downsample", {true, 1, false}},
      {"vae/config.json", "dim_mult", {1, 2, 3, 4}},
      {"transformer/config.json", "attention_head_dim", 4},
      {"transformer/config.json", "freq_dim", 31},
      {"scheduler/scheduler_config.json", "flow_shift", 0},
  };
  for (const auto& [file, key, value] : cases) {
    const Error error = error_with(file, key, value);
    EXPECT_EQ(error.code, ErrorCode::invalid_argument) << key << ": " << error.message;
    EXPECT_THAT(error.message, HasSubstr(file));
  }
}

TEST_F(WanFolder, WhosePartsDoNotFitIsRefused) {
  copy("d1");
  EXPECT_THAT(error_with("transformer/config.json", "text_dim", 29).message,
              HasSubstr("text_dim is 29, but UMT5's features are 28 wide"));
}

/// A T5, of which the layers share one table of positions, is another network with the same names.
TEST_F(WanFolder, WithAnEncoderThatSharesItsPositionsIsRefusedWhenItIsLoaded) {
  copy("d1");
  fs::remove(folder_.path() / "text_encoder/model.safetensors");
  fs::create_symlink(kGolden / "b1/text_encoder_2/model.safetensors",
                     folder_.path() / "text_encoder/model.safetensors");
  json config = json::parse(bytes_in(kGolden / "b1/text_encoder_2/config.json"));
  config["model_type"] = "umt5";
  folder_.write("text_encoder/config.json", config.dump());
  Result<ModelPlan> plan = open();
  ASSERT_TRUE(plan.has_value()) << plan.error().message;
  const Context context({.threads = 1});
  const auto networks = load_networks(context, *plan, NumberFormat::exact());
  ASSERT_FALSE(networks.has_value());
  EXPECT_THAT(networks.error().message, HasSubstr("relative_attention_bias"));
}

// ---- files without configurations ---------------------------------------------------------------

/// As much of ComfyUI's three files as tells what they are: names and shapes.
class WanFiles : public ::testing::Test {
 protected:
  void write(const std::string& file, const std::vector<Shaped>& tensors) const {
    write_zeros(folder_.path() / file, tensors);
  }
  static std::vector<Shaped> transformer(std::int64_t channels) {
    return {{"patch_embedding.weight", {128, channels, 1, 2, 2}},
            {"text_embedding.0.weight", {128, 24}},
            {"time_embedding.0.weight", {128, 32}},
            {"time_projection.1.weight", {768, 128}},
            {"head.head.weight", {4 * channels, 128}},
            {"blocks.1.ffn.0.weight", {64, 128}},
            {"blocks.0.ffn.0.weight", {64, 128}}};
  }
  static std::vector<Shaped> vae(std::int64_t channels) {
    return {{"conv2.weight", {channels, channels, 1, 1, 1}},
            {"decoder.head.0.gamma", {16, 1, 1, 1}},
            {"encoder.conv1.weight", {8, 12, 3, 3, 3}},
            {"encoder.downsamples.0.downsamples.0.residual.2.weight", {8, 8, 3, 3, 3}},
            {"encoder.downsamples.0.downsamples.1.residual.2.weight", {8, 8, 3, 3, 3}},
            {"encoder.downsamples.0.downsamples.2.resample.1.weight", {8, 8, 3, 3}},
            {"encoder.downsamples.1.downsamples.0.residual.2.weight", {16, 8, 3, 3, 3}},
            {"encoder.downsamples.1.downsamples.2.time_conv.weight", {16, 16, 3, 1, 1}},
            {"encoder.downsamples.2.downsamples.0.residual.2.weight", {32, 16, 3, 3, 3}}};
  }
  void write_text_encoder() const {
    write("text_encoders/umt5.safetensors",
          {{"shared.weight", {40, 24}},
           {"spiece_model", {7}},
           {"encoder.final_layer_norm.weight", {24}},
           {"encoder.block.0.layer.0.SelfAttention.q.weight", {16, 24}},
           {"encoder.block.0.layer.0.SelfAttention.relative_attention_bias.weight", {32, 2}},
           {"encoder.block.1.layer.0.SelfAttention.relative_attention_bias.weight", {32, 2}},
           {"encoder.block.0.layer.1.DenseReluDense.wi_0.weight", {48, 24}}});
  }
  Result<ModelPlan> open(const std::string& transformer) const {
    return open_model(folder_.path() / transformer);
  }
  const TestFolder folder_;
};

TEST_F(WanFiles, OfComfyUiSayWhatTheyAre) {
  write("diffusion_models/wan2.2_ti2v.safetensors", transformer(48));
  write("vae/wan2.2_vae.safetensors", vae(48));
  write_text_encoder();
  const Result<ModelPlan> plan = open("diffusion_models/wan2.2_ti2v.safetensors");
  ASSERT_TRUE(plan.has_value()) << plan.error().message;
  EXPECT_EQ(plan->family, &kWan);
  EXPECT_FALSE(plan->distilled.value);
  EXPECT_EQ(plan->scheduler.solver, Solver::unipc);
  EXPECT_EQ(plan->scheduler.shift, 5);
  const auto& own = plan->own_as<WanPlan>();
  EXPECT_EQ(own.transformer.channels, 48);
  EXPECT_EQ(own.transformer.heads, 1);
  EXPECT_EQ(own.transformer.layers, 2);
  EXPECT_EQ(own.transformer.ffn_size, 64);
  EXPECT_EQ(own.vae.encoder_width, 8);
  EXPECT_EQ(own.vae.decoder_width, 16);
  EXPECT_THAT(own.vae.widths, ElementsAre(1, 2, 4));
  EXPECT_THAT(own.vae.halves_time, ElementsAre(false, true));
  EXPECT_EQ(own.vae.blocks_per_level, 2);
  EXPECT_EQ(own.vae.patch, 2);
  EXPECT_EQ(own.vae.mean.size(), 48u);
  EXPECT_EQ(own.vae.mean[3], -0.2339);
  EXPECT_EQ(own.vae.deviation[47], 0.7744);
  EXPECT_EQ(plan->part("tokenizer").path.filename(), "umt5.safetensors");
  EXPECT_TRUE(plan->notes.empty()) << plan->notes.front();
}

TEST_F(WanFiles, NamedFastWanAreDistilled) {
  write("vae/wan2.2_vae.safetensors", vae(48));
  write_text_encoder();
  for (const char* name : {"Wan2_2-TI2V-5B-FastWanFullAttn_bf16", "FastWan2.2-TI2V-5B-Q8_0"}) {
    const std::string file = fmt::format("diffusion_models/{}.safetensors", name);
    write(file, transformer(48));
    const Result<ModelPlan> plan = open(file);
    ASSERT_TRUE(plan.has_value()) << plan.error().message;
    EXPECT_TRUE(plan->distilled.value) << name;
    EXPECT_THAT(plan->distilled.by, HasSubstr("fastwan"));
    EXPECT_EQ(plan->scheduler.solver, Solver::dmd);
  }
}

TEST_F(WanFiles, OfAnotherWanAreRefusedByName) {
  write("vae/wan.safetensors", vae(16));
  write_text_encoder();
  write("diffusion_models/older.safetensors", transformer(16));
  write("diffusion_models/newer.safetensors", transformer(48));
  for (const auto& [file, says] :
       {std::pair{"older", "Wan 2.1, A14B"}, std::pair{"newer", "the autoencoder of Wan 2.1"}}) {
    const Result<ModelPlan> plan = open(fmt::format("diffusion_models/{}.safetensors", file));
    ASSERT_FALSE(plan.has_value());
    EXPECT_THAT(plan.error().message, HasSubstr(says));
    EXPECT_THAT(plan.error().message, HasSubstr("Wan2.2-TI2V-5B"));
  }
}

TEST_F(WanFiles, WithUnknownLatentsAskForAConfiguration) {
  write("vae/wan.safetensors", vae(12));
  write_text_encoder();
  write("diffusion_models/wan.safetensors", transformer(12));
  const Result<ModelPlan> plan = open("diffusion_models/wan.safetensors");
  ASSERT_FALSE(plan.has_value());
  EXPECT_THAT(plan.error().message, HasSubstr("vae/config.json beside the file would"));
}

}  // namespace
}  // namespace imagined::engine
