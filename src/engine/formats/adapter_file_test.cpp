#include "engine/formats/adapter_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "engine/formats/safetensors_write.h"
#include "engine/formats/test_files.h"

namespace imagined::engine {
namespace {

using testing::AllOf;
using testing::HasSubstr;

struct Numbers {
  std::string name;
  std::vector<std::int64_t> shape;
  float value = 1;
};

class AdapterFileTest : public testing::Test {
 protected:
  Result<std::shared_ptr<const AdapterFile>> open(
      const std::vector<Numbers>& tensors,
      const std::map<std::string, std::string, std::less<>>& metadata = {}) const {
    std::vector<std::vector<float>> values;
    for (const Numbers& tensor : tensors) {
      std::size_t count = 1;
      for (const std::int64_t size : tensor.shape) count *= static_cast<std::size_t>(size);
      values.emplace_back(count, tensor.value);
    }
    std::vector<TensorToWrite> list;
    for (std::size_t i = 0; i < tensors.size(); ++i)
      list.push_back({.name = tensors[i].name,
                      .shape = tensors[i].shape,
                      .bytes = std::as_bytes(std::span(values[i]))});
    const auto path = folder_.path() / "style.safetensors";
    CHECK(write_safetensors(path, list, metadata).has_value(), "write");
    return AdapterFile::open(path);
  }

  std::string error_of(const std::vector<Numbers>& tensors) const {
    const auto file = open(tensors);
    return file.has_value() ? "no error" : file.error().message;
  }

  double scale_of(const std::vector<Numbers>& tensors, const std::string& metadata = {}) const {
    const auto file =
        metadata.empty() ? open(tensors) : open(tensors, {{"lora_adapter_metadata", metadata}});
    CHECK(file.has_value(), "{}", file.error().message);
    CHECK((*file)->modules().size() == 1, "{} modules", (*file)->modules().size());
    return (*file)->modules().front().scale;
  }

  const TestFolder folder_;
};

const std::vector<Numbers> kLora = {{"transformer.a.b.lora_A.weight", {4, 6}},
                                    {"transformer.a.b.lora_B.weight", {8, 4}}};
const std::vector<Numbers> kSplitLokr = {
    {"a.lokr_w1", {2, 2}}, {"a.lokr_w2_a", {3, 4}}, {"a.lokr_w2_b", {4, 5}}};

std::vector<Numbers> with(std::vector<Numbers> tensors, const Numbers& more) {
  tensors.push_back(more);
  return tensors;
}

TEST_F(AdapterFileTest, CountsAlphaOverRankWhereTheFileSaysAlpha) {
  EXPECT_EQ(scale_of(kLora), 1);
  EXPECT_EQ(scale_of(with(kLora, {"transformer.a.b.alpha", {}, 2})), 0.5);
  EXPECT_EQ(scale_of(kLora, R"({"transformer.lora_alpha": 12, "transformer.r": 4})"), 3);
  EXPECT_EQ(scale_of(kLora, R"({"transformer.lora_alpha": 12, "transformer.use_rslora": true})"),
            6);
  const std::string patterns = R"({"transformer.lora_alpha": 12, "transformer.alpha_pattern": )";
  EXPECT_EQ(scale_of(kLora, patterns + R"({"b": 2}})"), 0.5);
  EXPECT_EQ(scale_of(kLora, patterns + R"({"a.b": 2}})"), 0.5);
  EXPECT_EQ(scale_of(kLora, patterns + R"({"xa.b": 2, ".b": 2}})"), 3);
  EXPECT_EQ(scale_of(kLora, R"({"text_encoder.lora_alpha": 12})"), 1);
}

TEST_F(AdapterFileTest, LetsAlphaCountForALokrOnlyWhereAFactorIsSplit) {
  EXPECT_EQ(scale_of(with(kSplitLokr, {"a.alpha", {}, 2})), 0.5);
  EXPECT_EQ(scale_of({{"a.lokr_w1", {2, 2}}, {"a.lokr_w2", {3, 5}}, {"a.alpha", {}, 2}}), 1);
}

TEST_F(AdapterFileTest, ReadsWholeDifferencesOfWeightsBiasesAndModulations) {
  const auto file =
      open({{"a.diff", {8, 6}}, {"a.diff_b", {8}}, {"b.diff_b", {3}}, {"c.diff_m", {2}}});
  ASSERT_TRUE(file.has_value()) << file.error().message;
  const auto& modules = (*file)->modules();
  ASSERT_EQ(modules.size(), 3u);
  EXPECT_EQ(modules[0].weight->shape, (std::vector<std::int64_t>{8, 6}));
  EXPECT_EQ(modules[0].bias->name, "a.diff_b");
  EXPECT_EQ(modules[1].weight, nullptr);
  EXPECT_EQ(modules[1].first().name, "b.diff_b");
  EXPECT_EQ(modules[2].modulation->name, "c.diff_m");
}

TEST_F(AdapterFileTest, RefusesAWholeDifferenceBesideALora) {
  EXPECT_THAT(error_of(with(kLora, {"transformer.a.b.diff", {8, 6}})), HasSubstr("at once"));
}

TEST_F(AdapterFileTest, NamesWhatIsMissingOrThereTwice) {
  EXPECT_THAT(error_of({kLora[0]}),
              AllOf(HasSubstr("style.safetensors"), HasSubstr("\"transformer.a.b\"")));
  EXPECT_THAT(error_of(with(kLora, {"transformer.a.b.lora_down.weight", {4, 6}})),
              AllOf(HasSubstr("lora_A"), HasSubstr("lora_down")));
  EXPECT_THAT(error_of({kSplitLokr[0], kSplitLokr[1]}), HasSubstr("lokr_w2"));
  EXPECT_THAT(error_of(with(kLora, {"transformer.a.b.lokr_w1", {2, 2}})), HasSubstr("at once"));
  EXPECT_THAT(error_of({{"a.alpha", {}}}), HasSubstr("\"a\""));
}

TEST_F(AdapterFileTest, NamesTensorsThatDoNotFitTogether) {
  EXPECT_THAT(error_of({kLora[0], {"transformer.a.b.lora_B.weight", {8, 5}}}),
              AllOf(HasSubstr("[8, 5]"), HasSubstr("[4, 6]")));
  EXPECT_THAT(error_of({kLora[0], {"transformer.a.b.lora_B.weight", {32}}}),
              HasSubstr("no matrix"));
  EXPECT_THAT(error_of(with(kLora, {"transformer.a.b.alpha", {2}})), HasSubstr("no single number"));
  EXPECT_THAT(
      error_of(with(kLora, {"transformer.a.b.alpha", {}, std::numeric_limits<float>::infinity()})),
      HasSubstr("not finite"));
}

TEST_F(AdapterFileTest, RefusesOtherKindsOfChangeByTheirTensor) {
  for (const char* name : {"transformer.a.b.lora_B.bias", "a.hada_w1_a", "a.oft_blocks",
                           "a.lora_mid.weight", "double_blocks.0.img_attn.norm.key_norm.scale"}) {
    const auto file = open(with(kLora, {name, {2}}));
    ASSERT_FALSE(file.has_value()) << name;
    EXPECT_EQ(file.error().code, ErrorCode::unimplemented);
    EXPECT_THAT(file.error().message, HasSubstr(name));
  }
}

}  // namespace
}  // namespace imagined::engine
