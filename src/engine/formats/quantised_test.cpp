#include "engine/formats/quantised.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "engine/formats/weight_files.h"

namespace imagined::engine {
namespace {

using ::testing::HasSubstr;
using ::testing::IsSupersetOf;

// Written by the tools themselves (tests/golden/README.md): a weight as each stores it, and as
// NAME.expected what the tool makes of it.
std::shared_ptr<const WeightFiles> recorded() {
  auto files = WeightFiles::open(
      std::filesystem::path(IMAGINED_SOURCE_DIR) / "tests" / "golden" / "quantised.safetensors",
      {});
  CHECK(files.has_value(), "{}", files.error().message);
  return *files;
}

const FileTensor* find(const std::vector<const FileTensor*>& tensors, const std::string& name) {
  const auto found =
      std::ranges::find_if(tensors, [&](const FileTensor* tensor) { return tensor->name == name; });
  return found == tensors.end() ? nullptr : *found;
}

Tensor decoded(const FileTensor& tensor) {
  Tensor out(tensor.shape[0], tensor.shape[1]);
  decode_rows(tensor.stored_rows(0, tensor.shape[0], tensor.shape[1]), out);
  return out;
}

TEST(Quantised, DecodesToWhatTheToolThatWroteItMakesOfIt) {
  const auto files = recorded();
  std::vector<std::string> checked;
  for (const FileTensor* expected : files->tensors()) {
    constexpr std::string_view kEnd = ".expected";
    if (!expected->name.ends_with(kEnd)) continue;
    const std::string name = expected->name.substr(0, expected->name.size() - kEnd.size());
    const FileTensor* weight = find(files->tensors(), name + ".weight");
    ASSERT_NE(weight, nullptr) << name;
    ASSERT_TRUE(weight->is_readable()) << name;
    ASSERT_EQ(weight->shape, expected->shape) << name;
    const Tensor ours = decoded(*weight);
    const Tensor theirs = decoded(*expected);
    for (std::int64_t r = 0; r < ours.rows(); ++r) {
      float largest = 0;  // and so is a zero point, which is one of the row's numbers
      for (std::int64_t c = 0; c < ours.cols(); ++c)
        largest = std::max(largest, std::abs(theirs.row(r)[c]));
      // Three products and a sum, in either order: at most six roundings apart.
      for (std::int64_t c = 0; c < ours.cols(); ++c)
        ASSERT_NEAR(ours.row(r)[c], theirs.row(r)[c], 6 * 0x1p-24 * largest)
            << name << " at " << r << ", " << c;
    }
    checked.push_back(name);
  }
  EXPECT_THAT(checked, IsSupersetOf({"comfy_old", "comfy_float8_e4m3fn", "comfy_int8_tensorwise",
                                     "comfy_mxfp8", "comfy_nvfp4", "bitsandbytes_nf4",
                                     "bitsandbytes_nf4_nested", "bitsandbytes_int8", "torchao_int8",
                                     "torchao_fp8", "quanto_int8", "quanto_fp8", "sdnq_int8",
                                     "sdnq_uint8"}));
}

TEST(Quantised, LeavesNothingOfAToolBesideTheWeights) {
  const auto files = recorded();
  for (const FileTensor* tensor : files->tensors())
    EXPECT_TRUE(tensor->name.ends_with(".weight") || tensor->name.ends_with(".expected"))
        << tensor->name;
}

TEST(Quantised, DecodesFromTheMiddleOfARowOn) {
  const auto files = recorded();
  for (const std::string name : {"comfy_nvfp4", "bitsandbytes_nf4", "sdnq_uint8"}) {
    const FileTensor& weight = *find(files->tensors(), name + ".weight");
    const Tensor all = decoded(weight);
    std::vector<float> part(70);
    weight.stored_rows(0, weight.shape[0], weight.shape[1])
        .row_range(2, 4)
        .decode(37, 70, part.data());
    for (std::size_t i = 0; i < part.size(); ++i)
      EXPECT_EQ(part[i], all.row(2)[37 + static_cast<std::int64_t>(i)]) << name << " at " << i;
  }
}

/// Tensors by hand, and what becomes of them.
class ByHand : public ::testing::Test {
 protected:
  void add(const std::string& name, const std::string& type, std::vector<std::int64_t> shape,
           std::string bytes) {
    storage_.push_back(std::make_unique<std::string>(std::move(bytes)));
    tensors_.push_back({.name = name,
                        .dtype_name = type,
                        .shape = std::move(shape),
                        .bytes = std::as_bytes(std::span(*storage_.back())),
                        .type = find_stored_type(type),
                        .scales = nullptr});
  }
  Result<std::vector<FileTensor>> joined(std::vector<std::string> notes = {}) const {
    std::vector<const FileTensor*> pointers;
    for (const FileTensor& tensor : tensors_) pointers.push_back(&tensor);
    return join_quantised(pointers, notes);
  }
  std::string error(std::vector<std::string> notes = {}) const {
    const auto result = joined(std::move(notes));
    return result ? "joined" : result.error().message;
  }

  static std::string floats(std::vector<float> values) {
    return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float)};
  }

 private:
  std::vector<std::unique_ptr<std::string>> storage_;
  std::vector<FileTensor> tensors_;
};

TEST_F(ByHand, ANormsScaleBesideAWeightOfFloatsIsNoFactor) {
  add("norm.weight", "F32", {1, 2}, floats({1, 2}));
  add("norm.scale", "F32", {1}, floats({3}));
  const auto tensors = joined();
  ASSERT_TRUE(tensors.has_value()) << tensors.error().message;
  EXPECT_EQ(tensors->size(), 2u);
}

TEST_F(ByHand, AWeightWithoutFactorsStaysUnread) {
  add("x.weight", "I8", {1, 2}, "ab");
  const auto tensors = joined();
  ASSERT_TRUE(tensors.has_value()) << tensors.error().message;
  EXPECT_FALSE(tensors->front().is_readable());
}

TEST_F(ByHand, FactorsThatAreNeitherOneNorOnePerRowAreRefusedWithBothCounts) {
  add("x.weight", "I8", {3, 2}, "abcdef");
  add("x.weight_scale", "F32", {2}, floats({1, 2}));
  EXPECT_THAT(error(), HasSubstr("tensor \"x.weight_scale\": 2 factors for a weight [3, 2]"));
}

TEST_F(ByHand, AFactorThatIsNoNumberIsRefused) {
  add("x.weight", "I8", {1, 2}, "ab");
  add("x.weight_scale", "F32", {}, floats({std::nanf("")}));
  EXPECT_THAT(error(), HasSubstr("tensor \"x.weight_scale\": holds NaN or infinity"));
}

TEST_F(ByHand, AFormatOrARotationThatIsNotReadIsRefusedByName) {
  add("x.weight", "I8", {1, 2}, "ab");
  add("x.weight_scale", "F32", {}, floats({1}));
  EXPECT_EQ(error({R"({"layers": {"x": {"format": "int8_tensorwise"}}})"}), "joined");
  EXPECT_THAT(error({R"({"layers": {"x": {"format": "asym_w4a8_int8"}}})"}),
              HasSubstr("format \"asym_w4a8_int8\" is not read; float8_e4m3fn"));
  EXPECT_THAT(error({R"({"layers": {"x": {"format": "int8_tensorwise", "convrot": true}}})"}),
              HasSubstr("rotated its rows"));
}

TEST_F(ByHand, FourBitNumbersOfWhichNobodySaysTheOrderAreRefused) {
  add("x.weight", "U8", {128, 32}, std::string(128 * 32, 'a'));
  add("x.weight_scale", "F8_E4M3", {128, 4}, std::string(128 * 4, 'a'));
  add("x.weight_scale_2", "F32", {}, floats({1}));
  EXPECT_THAT(error(), HasSubstr("nothing that says in which order"));
  EXPECT_EQ(error({R"({"layers": {"x": {"format": "nvfp4"}}})"}), "joined");
}

}  // namespace
}  // namespace imagined::engine
