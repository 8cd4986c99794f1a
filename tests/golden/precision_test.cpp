// What a step loses by the precision of its products and by the type of its file, against the same
// step in f32: a transformer as wide as two heads of klein, deep enough that errors add up, of
// normally distributed weights, whose rounding is what rounding of trained ones is like.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <filesystem>
#include <map>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "base/check.h"
#include "base/folder_testing.h"
#include "engine/formats/gguf_test_files.h"
#include "engine/formats/weight_source.h"
#include "engine/models/common/weight_loader.h"
#include "engine/models/flux2/flux2.h"
#include "engine/models/flux2/flux2_names.h"
#include "engine/pipeline/pipeline.h"

namespace imagined::engine {
namespace {

constexpr std::int64_t kWidth = 256;
constexpr std::int64_t kText = 48;  // tokens
constexpr std::int64_t kSide = 10;  // of the picture's grid
constexpr std::int64_t kChannels = 64;
constexpr std::int64_t kContext = 512;

Flux2Config config() {
  return {.in_channels = kChannels,
          .out_channels = kChannels,
          .double_blocks = 2,
          .single_blocks = 6,
          .heads = 2,
          .head_dim = 128,
          .context_size = kContext,
          .mlp_size = 3 * kWidth,
          .rope_axes = {32, 32, 32, 32}};
}

using Shapes = std::map<std::string, std::vector<std::int64_t>>;

Shapes shapes() {
  constexpr std::int64_t d = kWidth;
  Shapes out = {{"x_embedder", {d, kChannels}},
                {"context_embedder", {d, kContext}},
                {"time_guidance_embed.timestep_embedder.linear_1", {d, 256}},
                {"time_guidance_embed.timestep_embedder.linear_2", {d, d}},
                {"double_stream_modulation_img.linear", {6 * d, d}},
                {"double_stream_modulation_txt.linear", {6 * d, d}},
                {"single_stream_modulation.linear", {3 * d, d}},
                {"norm_out.linear", {2 * d, d}},
                {"proj_out", {kChannels, d}}};
  for (int i = 0; i < config().double_blocks; ++i) {
    const std::string at = "transformer_blocks." + std::to_string(i) + ".";
    for (const char* part : {"to_q", "to_k", "to_v", "add_q_proj", "add_k_proj", "add_v_proj",
                             "to_out.0", "to_add_out"})
      out[at + "attn." + part] = {d, d};
    for (const char* part : {"norm_q", "norm_k", "norm_added_q", "norm_added_k"})
      out[at + "attn." + part] = {128};
    for (const char* part : {"ff", "ff_context"}) {
      out[at + part + ".linear_in"] = {6 * d, d};
      out[at + part + ".linear_out"] = {d, 3 * d};
    }
  }
  for (int i = 0; i < config().single_blocks; ++i) {
    const std::string at = "single_transformer_blocks." + std::to_string(i) + ".attn.";
    out[at + "to_qkv_mlp_proj"] = {9 * d, d};
    out[at + "to_out"] = {d, 4 * d};
    out[at + "norm_q"] = {128};
    out[at + "norm_k"] = {128};
  }
  return out;
}

/// Q4_K as llama.cpp's plain rounding makes it: sub-blocks of 32 between their least and largest
/// number, whose scales and offsets share one number each for 256.
std::string q4_k_bytes(std::span<const float> values) {
  std::string out;
  for (; !values.empty(); values = values.subspan(256)) {
    float scale[8];
    float offset[8];
    for (std::size_t j = 0; j < 8; ++j) {
      const std::span<const float> part = values.subspan(32 * j, 32);
      const float least = std::min(0.0f, *std::ranges::min_element(part));
      scale[j] = (*std::ranges::max_element(part) - least) / 15;
      offset[j] = -least;
    }
    const std::uint16_t d_bits = half_above(*std::ranges::max_element(scale) / 63);
    const std::uint16_t min_bits = half_above(*std::ranges::max_element(offset) / 63);
    const float d = half_to_float(d_bits);
    const float dmin = half_to_float(min_bits);
    std::uint8_t packed[12] = {};
    std::uint8_t quants[256];
    for (std::size_t j = 0; j < 8; ++j) {
      const auto s = static_cast<unsigned>(std::lround(scale[j] / d));
      const auto m = static_cast<unsigned>(std::lround(offset[j] / dmin));
      if (j < 4) {
        packed[j] = static_cast<std::uint8_t>(packed[j] | s);
        packed[j + 4] = static_cast<std::uint8_t>(packed[j + 4] | m);
      } else {
        packed[j + 4] = static_cast<std::uint8_t>((s & 15) | (m & 15) << 4);
        packed[j - 4] = static_cast<std::uint8_t>(packed[j - 4] | s >> 4 << 6);
        packed[j] = static_cast<std::uint8_t>(packed[j] | m >> 4 << 6);
      }
      for (std::size_t i = 0; i < 32; ++i) {
        const float x = values[32 * j + i] + dmin * static_cast<float>(m);
        quants[32 * j + i] = static_cast<std::uint8_t>(
            std::clamp<long>(std::lround(x / (d * static_cast<float>(s))), 0, 15));
      }
    }
    out += le_bytes(d_bits, 2) + le_bytes(min_bits, 2);
    out.append(reinterpret_cast<const char*>(packed), sizeof packed);
    for (std::size_t pair = 0; pair < 256; pair += 64)
      for (std::size_t i = 0; i < 32; ++i)
        out += static_cast<char>(quants[pair + i] | quants[pair + i + 32] << 4);
  }
  return out;
}

enum class Stored : std::uint8_t { f32, q8_0, q4_k };

/// The same weights in every file: only the blocks' are in fewer bits, as converters leave the
/// rest.
std::string transformer_bytes(Stored stored) {
  GgufBytes file;
  std::mt19937 bits(7);
  std::normal_distribution<float> normal;
  for (const auto& [name, shape] : shapes()) {
    const bool is_vector = shape.size() == 1;
    const auto count = static_cast<std::size_t>(is_vector ? shape[0] : shape[0] * shape[1]);
    const float deviation = is_vector ? 0.1f : 1 / std::sqrt(static_cast<float>(shape[1]));
    std::vector<float> values(count);
    for (float& value : values) value = deviation * normal(bits) + (is_vector ? 1.0f : 0.0f);
    const bool in_block = !is_vector && name.find("transformer_blocks.") != std::string::npos;
    const Stored as = in_block ? stored : Stored::f32;
    std::string bytes;
    std::uint32_t type = 0;
    if (as == Stored::q8_0) {
      type = 8;
      bytes = q8_0_bytes(values);
    } else if (as == Stored::q4_k) {
      type = 12;
      bytes = q4_k_bytes(values);
    } else {
      bytes.assign(reinterpret_cast<const char*>(values.data()), 4 * count);
    }
    file.tensor(name + ".weight", {shape.rbegin(), shape.rend()}, type, bytes);
  }
  return file.bytes();
}

Tensor normal_rows(std::int64_t rows, std::int64_t cols, unsigned seed) {
  Tensor made(rows, cols);
  std::mt19937 bits(seed);
  std::normal_distribution<float> normal;
  for (float& value : made.values()) value = normal(bits);
  return made;
}

Tensor velocity(Stored stored, Precision precision) {
  const TestFolder folder;
  folder.write("model.gguf", transformer_bytes(stored));
  const Context context({.threads = 1});
  auto source = WeightSource::open(folder.path() / "model.gguf", flux2_names());
  CHECK(source.has_value(), "{}", source.error().message);
  WeightLoader weights(context, std::make_shared<WeightSource>(std::move(*source)),
                       number_format(precision, context.cpu()));
  const auto model = Flux2::load(weights, config());
  CHECK(model.has_value(), "{}", model.error().message);
  TextFeatures text;
  text.tokens = normal_rows(kText, kContext, 11);
  const std::vector<float> sigmas = {0.7f};
  const auto denoiser = (*model)->begin(context, {.text = text,
                                                  .rows = kSide,
                                                  .cols = kSide,
                                                  .references = {},
                                                  .sigmas = sigmas,
                                                  .guidance = std::nullopt});
  TransformerWorkspace workspace;
  Tensor out(kSide * kSide, kChannels);
  CHECK(
      denoiser->velocity(context, 0, normal_rows(kSide * kSide, kChannels, 12), workspace, out, {})
          .has_value(),
      "no velocity");
  return out;
}

double relative_rms(const Tensor& got, const Tensor& expected) {
  double error = 0;
  double size = 0;
  for (std::size_t i = 0; i < got.values().size(); ++i) {
    const double difference = static_cast<double>(got.values()[i]) - expected.values()[i];
    error += difference * difference;
    size += static_cast<double>(expected.values()[i]) * expected.values()[i];
  }
  return std::sqrt(error / size);
}

struct Case {
  const char* name;
  Stored stored;
  Precision precision;
  double gate;  // relative RMS of the velocity
};

class PrecisionGate : public testing::TestWithParam<Case> {};

TEST_P(PrecisionGate, HoldsForTheVelocityOfAStep) {
  static const Tensor exact = velocity(Stored::f32, Precision::f32);
  const auto& [name, stored, precision, gate] = GetParam();
  const double error = relative_rms(velocity(stored, precision), exact);
  RecordProperty("relative_rms", std::to_string(error));
  EXPECT_LE(error, gate);
  EXPECT_GT(error, gate / 50) << "nothing was rounded";
}

INSTANTIATE_TEST_SUITE_P(Types, PrecisionGate,
                         testing::Values(Case{"Bf16", Stored::f32, Precision::bf16, 1e-2},
                                         Case{"Int8", Stored::f32, Precision::int8, 4e-2},
                                         Case{"Q8_0InBf16", Stored::q8_0, Precision::bf16, 4e-2},
                                         Case{"Q8_0InInt8", Stored::q8_0, Precision::int8, 4e-2},
                                         Case{"Q4_KInBf16", Stored::q4_k, Precision::bf16, 8e-2},
                                         Case{"Q4_KInInt8", Stored::q4_k, Precision::int8, 8e-2}),
                         [](const auto& param) { return std::string(param.param.name); });

}  // namespace
}  // namespace imagined::engine
