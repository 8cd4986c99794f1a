// Golden numbers of FLUX.1's two text encoders, on tiny networks with weights made by a hash.
// Computed with transformers 5.24 in f32.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <stop_token>
#include <string>

#include "engine/models/clip/clip_names.h"
#include "engine/models/clip/clip_text.h"
#include "engine/models/t5/t5.h"
#include "engine/models/t5/t5_names.h"
#include "golden/expect_stat.h"
#include "golden/hash_weights.h"

namespace imagined::engine::golden {
namespace {

using ::testing::HasSubstr;

// --- T5 ----------------------------------------------------------------------------------------

HashFile& add_t5(HashFile& file) {
  for (int i = 0; i < 2; ++i) {
    const std::string at = "encoder.block." + std::to_string(i) + ".layer.";
    for (const char* part : {"q", "k", "v"}) {
      file.add_weight(at + "0.SelfAttention." + part + ".weight", {36, 28});
    }
    file.add_weight(at + "0.SelfAttention.o.weight", {28, 36});
    if (i == 0) file.add(at + "0.SelfAttention.relative_attention_bias.weight", {32, 3}, 2);
    file.add_scale(at + "0.layer_norm.weight", 28);
    file.add_weight(at + "1.DenseReluDense.wi_0.weight", {44, 28});
    file.add_weight(at + "1.DenseReluDense.wi_1.weight", {44, 28});
    file.add_weight(at + "1.DenseReluDense.wo.weight", {28, 44});
    file.add_scale(at + "1.layer_norm.weight", 28);
  }
  file.add_scale("encoder.final_layer_norm.weight", 28);
  return file;
}

constexpr T5Config kT5Config = {
    .vocab_size = 64, .hidden_size = 28, .layers = 2, .heads = 3, .head_dim = 12, .ffn_size = 44};

T5 tiny_t5(const Context& context) {
  HashFile file("t5.");
  file.add_weight("shared.weight", {64, 28});
  WeightLoader weights(context, add_t5(file).open(t5_names()), NumberFormat::exact());
  return value_of(T5::load(weights, kT5Config));
}

/// 40 tokens, the end, and 9 times the padding that a T5 of FLUX.1 sees.
std::vector<std::int32_t> t5_ids() {
  std::vector<std::int32_t> ids;
  for (std::int32_t i = 0; i < 40; ++i) ids.push_back((7 * i * i + 3 * i) % 61 + 2);
  ids.push_back(1);
  ids.resize(50, 0);
  return ids;
}

TEST(T5Golden, FeaturesOfATinyEncoder) {
  const Context context({.threads = 2});
  const Tensor features = value_of(tiny_t5(context).encode(context, t5_ids(), {}));
  expect_stat(flat(features), {.first = {1.194472, .211859, -.20116, -.453945},
                               .last = {{1.514248, .911692, -.570516, -.384438}},
                               .sum = 77.896609,
                               .l2 = 36.660002});
  const float* const end = features.row<float>(40);
  expect_stat({end, end + 28}, {.first = {-1.240209, -.169768, .925056, 1.815439},
                                .last = {{-1.087727, .226924, .206798, .13823}},
                                .sum = 10.167299,
                                .l2 = 5.254768});
}

/// Key minus query, and its bucket (flux.md 5.5).
TEST(T5Golden, SortsDistancesIntoThePublishedBuckets) {
  constexpr std::array<std::array<int, 2>, 22> kBuckets = {
      {{-128, 15}, {-64, 14}, {-32, 12}, {-16, 10}, {-12, 9}, {-11, 8}, {-8, 8},  {-7, 7},
       {-1, 1},    {0, 0},    {1, 17},   {7, 23},   {8, 24},  {11, 24}, {12, 25}, {16, 26},
       {23, 27},   {32, 28},  {46, 29},  {64, 30},  {91, 31}, {300, 31}}};
  for (const auto& [distance, bucket] : kBuckets) {
    EXPECT_EQ(t5_bucket(distance, T5Config()), bucket) << distance;
  }
}

TEST(T5Golden, RefusesTokensThatItDoesNotHave) {
  const Context context({.threads = 1});
  const T5 model = tiny_t5(context);
  for (const std::int32_t id : {-1, 64}) {
    const auto features = model.encode(context, std::array{id}, {});
    ASSERT_FALSE(features.has_value());
    EXPECT_EQ(features.error().code, ErrorCode::invalid_argument);
  }
}

TEST(T5Golden, LeavesNoTensorWhicheverNameTheEmbeddingHas) {
  const Context context({.threads = 1});
  const std::vector<std::vector<std::string>> spellings = {
      {"shared.weight"},
      {"encoder.embed_tokens.weight"},
      {"shared.weight", "encoder.embed_tokens.weight"}};
  for (const std::vector<std::string>& names : spellings) {
    HashFile file("t5.");
    for (const std::string& name : names) file.add_weight(name, {64, 28});
    const std::shared_ptr<WeightSource> source = add_t5(file).open(t5_names());
    WeightLoader weights(context, source, NumberFormat::exact());
    EXPECT_TRUE(T5::load(weights, kT5Config).has_value()) << names.front();
    EXPECT_THAT(source->unused(), ::testing::IsEmpty());
  }
}

TEST(T5Golden, StopsBetweenLayers) {
  const Context context({.threads = 1});
  std::stop_source stop;
  stop.request_stop();
  const auto features = tiny_t5(context).encode(context, t5_ids(), stop.get_token());
  ASSERT_FALSE(features.has_value());
  EXPECT_EQ(features.error().code, ErrorCode::cancelled);
}

// --- CLIP --------------------------------------------------------------------------------------

ClipText tiny_clip(const Context& context, std::optional<std::int64_t> end_token) {
  HashFile file("clip.");
  const auto linear = [&](const std::string& name, std::int64_t out, std::int64_t in) {
    file.add_weight(name + ".weight", {out, in});
    file.add_bias(name + ".bias", out);
  };
  const auto norm = [&](const std::string& name) {
    file.add_scale(name + ".weight", 36);
    file.add_bias(name + ".bias", 36);
  };
  file.add_weight("text_model.embeddings.token_embedding.weight", {64, 36});
  file.add_weight("text_model.embeddings.position_embedding.weight", {13, 36});
  for (int i = 0; i < 2; ++i) {
    const std::string at = "text_model.encoder.layers." + std::to_string(i) + ".";
    for (const char* part : {"q_proj", "k_proj", "v_proj", "out_proj"}) {
      linear(at + "self_attn." + part, 36, 36);
    }
    linear(at + "mlp.fc1", 50, 36);
    linear(at + "mlp.fc2", 36, 50);
    norm(at + "layer_norm1");
    norm(at + "layer_norm2");
  }
  norm("text_model.final_layer_norm");
  WeightLoader weights(context, file.open(clip_names()), NumberFormat::exact());
  return value_of(ClipText::load(weights, {.vocab_size = 64,
                                           .hidden_size = 36,
                                           .layers = 2,
                                           .heads = 4,
                                           .ffn_size = 50,
                                           .positions = 13,
                                           .end_token = end_token}));
}

constexpr std::array<std::int32_t, 13> kClipIds = {62, 5,  17, 33, 2,  60, 41,
                                                   63, 63, 63, 63, 63, 63};

std::vector<float> pooled(const ClipText& model, std::span<const std::int32_t> ids) {
  const Vector vector = value_of(model.encode(Context({.threads = 2}), ids, {}));
  return {vector.values().begin(), vector.values().end()};
}

TEST(ClipGolden, PooledVectorOfATinyEncoder) {
  const Context context({.threads = 2});
  const Stat golden = {.first = {-.619109, .995703, 2.244585, .192451},
                       .last = {{-.210646, -1.21372, .264661, -1.526584}},
                       .sum = -.266863,
                       .l2 = 6.017837};
  for (const std::optional<std::int64_t> end : {std::optional<std::int64_t>(63), {}}) {
    expect_stat(pooled(tiny_clip(context, end), kClipIds), golden);
  }
}

TEST(ClipGolden, NothingBehindTheEndMatters) {
  const Context context({.threads = 2});
  const ClipText model = tiny_clip(context, 63);
  const std::span<const std::int32_t> ids = kClipIds;
  EXPECT_EQ(pooled(model, ids.first(8)), pooled(model, ids));
}

TEST(ClipGolden, RefusesPromptsWithoutAnEndAndTooLongOnes) {
  const Context context({.threads = 1});
  const ClipText model = tiny_clip(context, 63);
  const auto error = [&](std::span<const std::int32_t> ids) {
    const auto pooled = model.encode(context, ids, {});
    return pooled ? std::string() : pooled.error().message;
  };
  EXPECT_THAT(error(std::span(kClipIds).first(7)), HasSubstr("no end token"));
  std::vector<std::int32_t> ids(13, 5);
  ids.push_back(63);
  EXPECT_THAT(error(ids), HasSubstr("14 tokens, 13 allowed"));
  EXPECT_THAT(error(std::array{64, 63}), HasSubstr("token 64"));
}

}  // namespace
}  // namespace imagined::engine::golden
