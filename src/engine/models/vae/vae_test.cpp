#include "engine/models/vae/vae.h"

#include <gtest/gtest.h>

#include <memory>

#include "engine/formats/safetensors_write.h"
#include "engine/formats/test_files.h"
#include "engine/models/vae/vae_names.h"
#include "engine/ops/op_testing.h"

namespace imagined::engine {
namespace {

/// The smallest autoencoder: one level of 8 channels, latents 2 wide, no attention.
class WeightFile {
 public:
  WeightFile() {
    conv("encoder.conv_in", 8, 3);
    for (const char* block : {"encoder.down_blocks.0.resnets.0", "encoder.mid_block.resnets.0",
                              "encoder.mid_block.resnets.1", "decoder.mid_block.resnets.0",
                              "decoder.mid_block.resnets.1", "decoder.up_blocks.0.resnets.0",
                              "decoder.up_blocks.0.resnets.1"}) {
      norm(std::string(block) + ".norm1");
      conv(std::string(block) + ".conv1", 8, 8);
      norm(std::string(block) + ".norm2");
      conv(std::string(block) + ".conv2", 8, 8);
    }
    norm("encoder.conv_norm_out");
    conv("encoder.conv_out", 4, 8);
    conv("decoder.conv_in", 8, 2);
    norm("decoder.conv_norm_out");
    conv("decoder.conv_out", 3, 8);
  }

  Vae load(const Context& context, double scaling_factor, double shift_factor) const {
    std::vector<TensorToWrite> list;
    for (const Entry& entry : tensors_) {
      list.push_back({entry.name, DType::f32, entry.shape, std::as_bytes(std::span(entry.values))});
    }
    const TestFolder folder;
    const auto path = folder.path() / "vae.safetensors";
    EXPECT_TRUE(write_safetensors(path, list).has_value());
    WeightLoader weights(context,
                         std::make_shared<WeightSource>(*WeightSource::open(path, vae_names())),
                         NumberFormat::exact());
    Result<Vae> vae = Vae::load(weights, {.encoder_channels = {8},
                                          .decoder_channels = {8},
                                          .layers_per_block = 1,
                                          .latent_channels = 2,
                                          .norm_groups = 4,
                                          .mid_attention = false,
                                          .quant_conv = false,
                                          .post_quant_conv = false,
                                          .scaling_factor = scaling_factor,
                                          .shift_factor = shift_factor});
    CHECK(vae.has_value(), "{}", vae.error().message);
    return std::move(*vae);
  }

 private:
  struct Entry {
    std::string name;
    std::vector<std::int64_t> shape;
    std::vector<float> values;
  };
  void add(const std::string& name, std::vector<std::int64_t> shape, float low, float high) {
    std::size_t count = 1;
    for (const std::int64_t size : shape) count *= static_cast<std::size_t>(size);
    const auto seed = static_cast<std::uint32_t>(tensors_.size());
    tensors_.push_back({name, std::move(shape), testing::hashed_values(seed, count, low, high)});
  }
  void conv(const std::string& name, std::int64_t out, std::int64_t in) {
    add(name + ".weight", {out, in, 3, 3}, -0.2f, 0.2f);
    add(name + ".bias", {out}, -0.1f, 0.1f);
  }
  void norm(const std::string& name) {
    add(name + ".weight", {8}, 0.8f, 1.2f);
    add(name + ".bias", {8}, -0.1f, 0.1f);
  }
  std::vector<Entry> tensors_;
};

constexpr std::int64_t kRows = 2;  // of tokens, which are 2 x 2 pixels here
constexpr std::int64_t kCols = 3;
constexpr double kScale = 0.3611;
constexpr double kShift = 0.1159;

/// What the statistics of FLUX.2 are to it, one scale and one shift are to FLUX.1: between raw and
/// normalised latents lies (z - shift) * scale, rounded in f32.
TEST(Vae, EncodesToShiftedAndScaledLatents) {
  const Context context({.threads = 2});
  const WeightFile file;
  Tensor pixels(4 * kRows * kCols, 3);
  const std::vector<float> values = testing::hashed_values(1, 12 * kRows * kCols);
  std::copy(values.begin(), values.end(), pixels.values().begin());
  ActivationPool pool;
  const auto encode = [&](double scale, double shift) {
    return *file.load(context, scale, shift)
                .encode(context, pixels, 2 * kRows, 2 * kCols, pool, {});
  };
  const Tensor raw = encode(1, 0);
  const Tensor normalised = encode(kScale, kShift);
  ASSERT_EQ(raw.cols(), 8);
  for (std::size_t i = 0; i < raw.values().size(); ++i) {
    const double expected = (static_cast<double>(raw.values()[i]) - kShift) * kScale;
    EXPECT_NEAR(normalised.values()[i], expected, 1e-6) << i;
  }
}

TEST(Vae, DecodesShiftedAndScaledLatents) {
  const Context context({.threads = 2});
  const WeightFile file;
  Tensor normalised(kRows * kCols, 8);
  const std::vector<float> values = testing::hashed_values(2, 8 * kRows * kCols);
  std::copy(values.begin(), values.end(), normalised.values().begin());
  Tensor raw(kRows * kCols, 8);
  for (std::size_t i = 0; i < values.size(); ++i) {
    raw.values()[i] = static_cast<float>(values[i] / kScale + kShift);
  }
  ActivationPool pool;
  const Tensor expected = *file.load(context, 1, 0).decode(context, raw, kRows, kCols, pool, {});
  const Tensor actual =
      *file.load(context, kScale, kShift).decode(context, normalised, kRows, kCols, pool, {});
  // Latents differ by their rounding, 2^-24 of values below 4; 1e-5 of the pixels is far more than
  // these blocks can make of it, and a forgotten shift is off by a hundred times as much.
  for (std::size_t i = 0; i < expected.values().size(); ++i) {
    EXPECT_NEAR(actual.values()[i], expected.values()[i], 1e-5) << i;
  }
}

}  // namespace
}  // namespace imagined::engine
