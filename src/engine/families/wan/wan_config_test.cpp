#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "engine/families/families.h"
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

}  // namespace
}  // namespace imagined::engine
