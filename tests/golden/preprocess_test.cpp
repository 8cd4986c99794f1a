// References as diffusers prepares them: the area cap by Pillow, the cut, and RGB at the end.
#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "engine/formats/safetensors.h"
#include "engine/pipeline/fit_reference.h"

namespace imagined::engine::golden {
namespace {

SafetensorsFile recorded() {
  auto file = SafetensorsFile::open(std::filesystem::path(IMAGINED_SOURCE_DIR) /
                                    "tests/golden/preprocess.safetensors");
  CHECK(file.has_value(), "{}", file.error().message);
  return std::move(*file);
}

image::PictureView picture(const FileTensor& tensor) {
  return {
      .width = static_cast<int>(tensor.shape[1]),
      .height = static_cast<int>(tensor.shape[0]),
      .channels = static_cast<int>(tensor.shape[2]),
      .pixels = {reinterpret_cast<const std::uint8_t*>(tensor.bytes.data()), tensor.bytes.size()}};
}

std::vector<std::uint8_t> bytes(const FileTensor& tensor) {
  const auto* first = reinterpret_cast<const std::uint8_t*>(tensor.bytes.data());
  return {first, first + tensor.bytes.size()};
}

class RecordedReference : public ::testing::TestWithParam<int> {
 protected:
  const FileTensor& tensor(const std::string& name) const {
    const FileTensor* found = file_.find(name + "_" + std::to_string(GetParam()));
    CHECK(found != nullptr, "preprocess.safetensors has no {}", name);
    return *found;
  }
  ReferenceFit fit() const {
    const image::PictureView in = picture(tensor("input"));
    const std::string cap = file_.metadata().find("cap_" + std::to_string(GetParam()))->second;
    const auto fit = fit_reference(in.width, in.height, std::stoll(cap), 16);
    CHECK(fit.has_value(), "{}", fit.error().message);
    return *fit;
  }

  SafetensorsFile file_ = recorded();
  Context context_{{.threads = 2}};
};

TEST_P(RecordedReference, IsCappedToTheSameBytes) {
  const FileTensor& expected = tensor("capped");
  ASSERT_EQ(fit().resized_height, expected.shape[0]);
  ASSERT_EQ(fit().resized_width, expected.shape[1]);
  EXPECT_EQ(
      resize_lanczos(context_, picture(tensor("input")), fit().resized_width, fit().resized_height),
      bytes(expected));
}

TEST_P(RecordedReference, IsReadyWithTheSameBytes) {
  const FileTensor& expected = tensor("ready");
  ASSERT_EQ(fit().height, expected.shape[0]);
  ASSERT_EQ(fit().width, expected.shape[1]);
  EXPECT_EQ(apply_fit(context_, picture(tensor("input")), fit()), bytes(expected));
}

INSTANTIATE_TEST_SUITE_P(All, RecordedReference, ::testing::Range(0, 4));

}  // namespace
}  // namespace imagined::engine::golden
