#include "engine/models/common/weight_loader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <filesystem>
#include <limits>
#include <optional>
#include <vector>

#include "engine/formats/gguf_test_files.h"
#include "engine/formats/safetensors_write.h"
#include "engine/formats/test_files.h"
#include "engine/models/qwen3/qwen3_names.h"

namespace imagined::engine {
namespace {

/// A file with one 3 x 2 matrix "lm_head.weight" of a text encoder, and its loader.
class WeightLoaderTest : public testing::Test {
 protected:
  WeightLoader loader(const std::vector<float>& values) {
    const std::vector<std::int64_t> table_shape = {3, 2};
    const std::vector<float> table(6, 0.5f);
    const std::array tensors = {TensorToWrite{.name = "model.embed_tokens.weight",
                                              .shape = table_shape,
                                              .bytes = std::as_bytes(std::span(table))},
                                TensorToWrite{.name = "model.layers.0.mlp.up_proj.weight",
                                              .shape = table_shape,
                                              .bytes = std::as_bytes(std::span(values))}};
    CHECK(write_safetensors(path_, tensors).has_value(), "write");
    auto source = WeightSource::open(path_, qwen3_names());
    CHECK(source.has_value(), "{}", source.error().message);
    return WeightLoader(context_, std::make_shared<WeightSource>(std::move(*source)),
                        NumberFormat::exact());
  }

  static constexpr const char* kName = "model.layers.0.mlp.up_proj.weight";
  Context context_{ContextOptions{.threads = 2}};
  const TestFolder folder_;
  const std::filesystem::path path_ = folder_.path() / "weights.safetensors";
};

TEST_F(WeightLoaderTest, PacksTheRowsAskedFor) {
  WeightLoader weights = loader({1, 2, 3, 4, 5, 6});
  const auto packed = weights.linear({{kName, 3, 1, 2}}, 2);
  ASSERT_TRUE(packed.has_value()) << packed.error().message;
  const std::array<float, 2> x = {1, 10};
  Tensor out(1, 2);
  matmul(context_, ConstMatrixView(x.data(), DType::f32, 1, 2), *packed, out);
  EXPECT_THAT(out.values<float>(), testing::ElementsAre(43, 65));
}

TEST_F(WeightLoaderTest, NamesTheTensorThatHoldsANan) {
  WeightLoader weights = loader({1, 2, std::nanf(""), 4, 5, 6});
  const auto packed = weights.linear({{kName, 3}}, 2);
  ASSERT_FALSE(packed.has_value());
  EXPECT_EQ(packed.error().code, ErrorCode::data_loss);
  EXPECT_THAT(packed.error().message, testing::HasSubstr(kName));
}

TEST_F(WeightLoaderTest, NamesTheTensorOfAnotherShapeWithBothShapes) {
  WeightLoader weights = loader({1, 2, 3, 4, 5, 6});
  const auto packed = weights.linear({{kName, 2}}, 3);
  ASSERT_FALSE(packed.has_value());
  EXPECT_EQ(packed.error().code, ErrorCode::invalid_argument);
  EXPECT_THAT(packed.error().message,
              testing::AllOf(testing::HasSubstr(kName), testing::HasSubstr("[2, 3]"),
                             testing::HasSubstr("[3, 2]")));
}

TEST_F(WeightLoaderTest, NamesAMissingTensor) {
  WeightLoader weights = loader({1, 2, 3, 4, 5, 6});
  const auto packed = weights.linear({{"model.layers.1.mlp.up_proj.weight", 3}}, 2);
  ASSERT_FALSE(packed.has_value());
  EXPECT_EQ(packed.error().code, ErrorCode::not_found);
  EXPECT_THAT(packed.error().message, testing::HasSubstr("model.layers.1.mlp.up_proj.weight"));
}

/// A text encoder's GGUF file with a table and a matrix [3, 32] in Q8_0; element i is i + 1.
class BlockLoaderTest : public testing::Test {
 protected:
  static constexpr std::uint16_t kOne = 0x3c00;
  static constexpr std::uint16_t kInfinity = 0x7c00;

  WeightLoader loader(NumberFormat format, std::uint16_t last_scale = kOne) {
    std::string data;
    for (int i = 0; i < 96; ++i) {
      if (i % 32 == 0) data += le_bytes(i == 64 ? last_scale : kOne, 2);
      data += static_cast<char>(i + 1);
    }
    GgufBytes file;
    file.tensor("token_embd.weight", {32, 3}, 8, data);
    file.tensor("blk.0.ffn_up.weight", {32, 3}, 8, data);
    auto source = WeightSource::open(folder_.write("qwen.gguf", file.bytes()), qwen3_names());
    CHECK(source.has_value(), "{}", source.error().message);
    return WeightLoader(*context_, std::make_shared<WeightSource>(std::move(*source)), format);
  }

  static constexpr const char* kName = "model.layers.0.mlp.up_proj.weight";
  std::optional<Context> context_{ContextOptions{.threads = 2}};
  TestFolder folder_;
};

TEST_F(BlockLoaderTest, PacksTheRowsAskedFor) {
  for (const WeightFormat format : {WeightFormat::f32, WeightFormat::bf16}) {
    WeightLoader weights = loader({.weights = format});
    const auto packed = weights.linear({{kName, 3, 1, 2}}, 32);
    ASSERT_TRUE(packed.has_value()) << packed.error().message;
    const std::vector<float> x(32, 1.0f);
    Tensor out(1, 2);
    matmul(*context_, ConstMatrixView(x.data(), DType::f32, 1, 32), *packed, out);
    // Sums of 33 to 64 and of 65 to 96: all exact, in bf16 too.
    EXPECT_THAT(out.values<float>(), testing::ElementsAre(1552, 2576));
    EXPECT_EQ(weights.held_bytes(), packed->packed_bytes());
  }
}

TEST_F(BlockLoaderTest, ReadsRowsOfATableWithoutHoldingIt) {
  WeightLoader weights = loader(NumberFormat::exact());
  const auto table = weights.mapped_matrix("model.embed_tokens.weight", 3, 32);
  ASSERT_TRUE(table.has_value()) << table.error().message;
  Tensor row(1, 32);
  table->read_row(2, row);
  EXPECT_EQ(row.values<float>().front(), 65);
  EXPECT_EQ(row.values<float>().back(), 96);
  EXPECT_EQ(weights.held_bytes(), 0);
}

TEST_F(BlockLoaderTest, NamesTheTensorWhoseScaleIsInfinite) {
  WeightLoader weights = loader(NumberFormat::exact(), kInfinity);
  const auto packed = weights.linear({{kName, 3}}, 32);
  ASSERT_FALSE(packed.has_value());
  EXPECT_EQ(packed.error().code, ErrorCode::data_loss);
  EXPECT_THAT(packed.error().message, testing::HasSubstr(kName));
}

class InPlaceLoaderTest : public BlockLoaderTest {
 protected:
  InPlaceLoaderTest() {
    context_.emplace(ContextOptions{.threads = 2, .implementations = "weights=in_place"});
  }
};

TEST_F(BlockLoaderTest, SaysOfATableWhoseRowIsBrokenSoOnlyOnceThatRowIsRead) {
  WeightLoader weights = loader(NumberFormat::exact(), kInfinity);
  const auto table = weights.mapped_matrix("model.embed_tokens.weight", 3, 32);
  ASSERT_TRUE(table.has_value()) << table.error().message;
  Tensor row(1, 32);
  table->read_row(1, row);
  EXPECT_TRUE(table->sound().has_value());
  table->read_row(2, row);  // the one with the broken scale
  const auto sound = table->sound();
  ASSERT_FALSE(sound.has_value());
  EXPECT_EQ(sound.error().code, ErrorCode::data_loss);
  EXPECT_THAT(sound.error().message, testing::HasSubstr("token_embd.weight"));
}

TEST_F(InPlaceLoaderTest, ReadsRowsOnlyWhenAProductDoesAndNamesABrokenTensorThen) {
  for (const std::uint16_t scale : {kOne, kInfinity}) {
    WeightLoader weights = loader(NumberFormat::exact(), scale);
    const auto weight = weights.linear({{kName, 3}}, 32);
    ASSERT_TRUE(weight.has_value()) << weight.error().message;
    EXPECT_EQ(weight->packed_bytes(), 0);
    EXPECT_EQ(weights.held_bytes(), 0);
    EXPECT_EQ(weights.mapped_bytes(), 3 * 34);
    const auto table = weights.mapped_matrix("model.embed_tokens.weight", 3, 32);
    ASSERT_TRUE(table->sound().has_value());  // nothing was read yet
    const std::vector<float> x(32, 1.0f);
    Tensor out(1, 3);
    matmul(*context_, ConstMatrixView(x.data(), DType::f32, 1, 32), *weight, out);
    EXPECT_EQ(out.row(0)[1], 1552);
    const auto sound = table->sound();
    EXPECT_EQ(sound.has_value(), scale == kOne);
    if (!sound) {
      EXPECT_THAT(sound.error().message, testing::HasSubstr(kName));
    }
  }
}

TEST_F(WeightLoaderTest, NamesTheOneOfSeveralTensorsThatHoldsAnInfinity) {
  WeightLoader weights = loader({1, 2, 3, 4, std::numeric_limits<float>::infinity(), 6});
  const auto packed = weights.linear({{"model.embed_tokens.weight", 3}, {kName, 3}}, 2);
  ASSERT_FALSE(packed.has_value());
  EXPECT_THAT(packed.error().message, testing::HasSubstr(kName));
}

}  // namespace
}  // namespace imagined::engine
