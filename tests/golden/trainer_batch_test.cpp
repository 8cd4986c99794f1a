// The engine against the trainer of the built-in model: training/tests/data/batch.safetensors holds
// a small batch and what the trainer's own networks made of it with the committed weights.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "engine/families/families.h"
#include "engine/formats/safetensors.h"

namespace imagined::engine {
namespace {

namespace fs = std::filesystem;

const fs::path kSource = IMAGINED_SOURCE_DIR;

template <class T>
std::vector<T> read_values(const SafetensorsFile& file, std::string_view name) {
  const FileTensor* tensor = file.find(name);
  if (tensor == nullptr) return {};
  std::vector<T> values(tensor->bytes.size() / sizeof(T));
  std::memcpy(values.data(), tensor->bytes.data(), values.size() * sizeof(T));
  return values;
}

double relative_rms(std::span<const float> found, std::span<const float> expected) {
  double error = 0;
  double norm = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    error += std::pow(static_cast<double>(found[i]) - expected[i], 2);
    norm += std::pow(static_cast<double>(expected[i]), 2);
  }
  return std::sqrt(error / norm);
}

class TrainerBatch : public testing::Test {
 protected:
  void SetUp() override {
    auto file =
        SafetensorsFile::open(kSource / "training" / "tests" / "data" / "batch.safetensors");
    ASSERT_TRUE(file.has_value()) << file.error().message;
    ids_ = read_values<std::int64_t>(*file, "input_ids");
    noisy_ = read_values<float>(*file, "noisy_latents");
    timestep_ = read_values<float>(*file, "timestep");
    prompt_embeds_ = read_values<float>(*file, "prompt_embeds");
    velocity_ = read_values<float>(*file, "velocity");
    rows_ = std::stoll(file->metadata().at("rows"));
    cols_ = std::stoll(file->metadata().at("columns"));
    auto model = open_model(kSource / "models" / "paperland");
    ASSERT_TRUE(model.has_value()) << model.error().message;
    auto networks = load_networks(context_, *model, NumberFormat::exact());
    ASSERT_TRUE(networks.has_value()) << networks.error().message;
    networks_ = std::move(*networks);
  }

  std::size_t count() const { return timestep_.size(); }

  /// Element `index` of a tensor whose first axis is the batch.
  template <class T>
  std::span<const T> item(const std::vector<T>& values, std::size_t index) const {
    const std::size_t size = values.size() / count();
    return {values.data() + index * size, size};
  }

  TextFeatures features(std::size_t index) const {
    const auto ids = item(ids_, index);
    const PromptIds prompt{.main = {.ids = {ids.begin(), ids.end()},
                                    .real_count = static_cast<std::int64_t>(ids.size())}};
    auto found = networks_.prompts->encode(context_, prompt, std::stop_token());
    EXPECT_TRUE(found.has_value());
    return found ? std::move(*found) : TextFeatures{.tokens = Tensor(1, 1)};
  }

  Context context_{ContextOptions{.threads = 2}};
  Networks networks_;
  std::vector<std::int64_t> ids_;
  std::vector<float> noisy_, timestep_, prompt_embeds_, velocity_;
  std::int64_t rows_ = 0;
  std::int64_t cols_ = 0;
};

// Two f32 implementations differ by 1e-6; a wrong tap or rotation by 0.1 (tests/golden/README.md).
constexpr double kRelativeRmsMax = 1e-4;

TEST_F(TrainerBatch, PromptFeaturesAreTheTrainers) {
  ASSERT_GT(count(), 0u);
  for (std::size_t i = 0; i < count(); ++i) {
    EXPECT_LE(relative_rms(features(i).tokens.values(), item(prompt_embeds_, i)), kRelativeRmsMax);
  }
}

TEST_F(TrainerBatch, VelocityIsTheTrainers) {
  ASSERT_GT(count(), 0u);
  for (std::size_t i = 0; i < count(); ++i) {
    const TextFeatures text = features(i);
    const float sigma[] = {timestep_[i]};
    const auto denoiser = networks_.transformer->begin(
        context_, {.text = text, .rows = rows_, .cols = cols_, .sigmas = sigma});
    const auto noisy = item(noisy_, i);
    const std::int64_t tokens = rows_ * cols_;
    const std::int64_t channels = static_cast<std::int64_t>(noisy.size()) / tokens;
    Tensor velocity(tokens, channels);
    TransformerWorkspace workspace;
    const auto done =
        denoiser->velocity(context_, 0, ConstMatrixView(noisy.data(), DType::f32, tokens, channels),
                           workspace, velocity, std::stop_token());
    ASSERT_TRUE(done.has_value()) << done.error().message;
    EXPECT_LE(relative_rms(velocity.values(), item(velocity_, i)), kRelativeRmsMax);
  }
}

}  // namespace
}  // namespace imagined::engine
