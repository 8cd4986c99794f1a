#include "api/grpc/request.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include <xai/api/v1/image.pb.h>

namespace imagined::api {
namespace {

using service::AspectRatio;
using ::testing::HasSubstr;

Result<wire::EditCall> read(const xai_api::GenerateImageRequest& request) {
  static const service::Catalogue catalogue = *service::Catalogue::make(
      {{.id = "fast", .aliases = {"quick"}, .path = "x"}}, service::legacy_names("fast"));
  return read_request(request, catalogue);
}

xai_api::GenerateImageRequest a_cat() {
  xai_api::GenerateImageRequest request;
  request.set_prompt("a cat");
  return request;
}

TEST(GrpcRequest, WithAPromptAloneMeansWhatJsonMeans) {
  const auto call = read(a_cat());
  ASSERT_TRUE(call) << call.error().message;
  const service::Catalogue catalogue =
      *service::Catalogue::make({{.id = "fast", .path = "x"}}, service::legacy_names("fast"));
  const auto json = wire::parse_generation_call(R"({"prompt":"a cat"})", catalogue);
  EXPECT_EQ(call->fields.request, json->request);
  EXPECT_TRUE(call->references.empty());
}

TEST(GrpcRequest, TakesEveryFieldOfTheSdk) {
  xai_api::GenerateImageRequest request = a_cat();
  request.set_model("quick");
  request.set_n(3);
  request.set_user("u");
  request.set_aspect_ratio(xai_api::IMG_ASPECT_RATIO_9_19_5);
  request.set_resolution(xai_api::IMG_RESOLUTION_2K);
  request.set_quality(xai_api::IMG_QUALITY_MEDIUM);
  request.mutable_storage_options()->set_filename("kite.jpg");
  request.mutable_storage_options()->set_expires_after(7200);
  const auto call = read(request);
  ASSERT_TRUE(call) << call.error().message;
  EXPECT_EQ(call->fields.request.model, "fast");
  EXPECT_EQ(call->fields.request.count, 3);
  EXPECT_EQ(call->fields.request.user, "u");
  EXPECT_EQ(call->fields.request.aspect_ratio, AspectRatio::r9_19_5);
  EXPECT_EQ(call->fields.request.resolution, service::Resolution::k2);
  EXPECT_EQ(call->fields.storage, (service::FileWish{.name = "kite.jpg", .life_s = 7200}));
}

TEST(GrpcRequest, HasARatioForEveryNumberOfTheEnumeration) {
  for (int number = xai_api::ImageAspectRatio_MIN; number <= xai_api::ImageAspectRatio_MAX;
       ++number) {
    xai_api::GenerateImageRequest request = a_cat();
    request.set_aspect_ratio(static_cast<xai_api::ImageAspectRatio>(number));
    const auto call = read(request);
    ASSERT_TRUE(call) << call.error().message;
    std::string word = xai_api::ImageAspectRatio_Name(number);  // IMG_ASPECT_RATIO_9_19_5
    word.erase(0, std::string("IMG_ASPECT_RATIO_").size());
    std::string meant(to_string(call->fields.request.aspect_ratio));  // 9:19.5
    for (char& c : meant) c = c == ':' || c == '.' ? '_' : static_cast<char>(std::toupper(c));
    EXPECT_EQ(word == "INVALID" ? "AUTO" : word, meant);
  }
}

TEST(GrpcRequest, RefusesNumbersThatAreOnNoList) {
  xai_api::GenerateImageRequest request = a_cat();
  request.set_aspect_ratio(static_cast<xai_api::ImageAspectRatio>(999));
  EXPECT_EQ(read(request).error().message,
            "aspect_ratio is 999, expected a number of ImageAspectRatio: IMG_ASPECT_RATIO_1_1 = 1, "
            "IMG_ASPECT_RATIO_3_4 = 2, IMG_ASPECT_RATIO_4_3 = 3, IMG_ASPECT_RATIO_9_16 = 4, "
            "IMG_ASPECT_RATIO_16_9 = 5, IMG_ASPECT_RATIO_2_3 = 6, IMG_ASPECT_RATIO_3_2 = 7, "
            "IMG_ASPECT_RATIO_AUTO = 8, IMG_ASPECT_RATIO_9_19_5 = 9, IMG_ASPECT_RATIO_19_5_9 = 10, "
            "IMG_ASPECT_RATIO_9_20 = 11, IMG_ASPECT_RATIO_20_9 = 12, IMG_ASPECT_RATIO_1_2 = 13, "
            "IMG_ASPECT_RATIO_2_1 = 14");
  request = a_cat();
  request.set_resolution(static_cast<xai_api::ImageResolution>(9));
  EXPECT_EQ(read(request).error().field, "resolution");
  request = a_cat();
  request.set_format(static_cast<xai_api::ImageFormat>(9));
  EXPECT_EQ(read(request).error().field, "format");
  request = a_cat();
  request.set_n(0);
  EXPECT_EQ(read(request).error().message, "n is 0, expected 1 to 10");
}

TEST(GrpcRequest, TakesOnePictureOrManyAndNotBoth) {
  xai_api::GenerateImageRequest request = a_cat();
  request.mutable_image()->set_image_url("https://a.example/cat.png");
  EXPECT_EQ(read(request)->references.size(), 1u);
  request.add_images()->set_file_id("file_1");
  EXPECT_EQ(read(request).error().field, "images");
  request.clear_image();
  request.add_images();
  EXPECT_EQ(read(request).error().message, "image 2 has neither image_url nor file_id");
}

TEST(GrpcRequest, IsRefusedBeforeTheWorkWhenTheSdkCouldNotReceiveTheReply) {
  xai_api::GenerateImageRequest request = a_cat();
  request.set_n(10);
  request.set_resolution(xai_api::IMG_RESOLUTION_2K);
  EXPECT_TRUE(read(request)) << "links are short";
  request.set_format(xai_api::IMG_FORMAT_BASE64);
  EXPECT_THAT(read(request).error().message, HasSubstr("at most 3 fit into the 20 MiB"));
  request.set_resolution(xai_api::IMG_RESOLUTION_1K);
  EXPECT_TRUE(read(request));
}

TEST(GrpcRequest, TakesForWhomFilesAre) {
  xai_api::GenerateImageRequest request = a_cat();
  request.mutable_storage_options()->set_filename("kite.jpg");
  EXPECT_FALSE(read(request)->fields.storage->for_everybody);
  request.mutable_storage_options()->mutable_public_url();
  EXPECT_EQ(read(request)->fields.storage->for_everybody, service::PublicWish());
  request.mutable_storage_options()->mutable_public_url()->set_expires_after(3'600);
  EXPECT_EQ(read(request)->fields.storage->for_everybody, (service::PublicWish{.life_s = 3'600}));
}

}  // namespace
}  // namespace imagined::api
