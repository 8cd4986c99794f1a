#include "api/wire/video_request.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace imagined::api::wire {
namespace {

using service::AspectRatio;
using service::VideoResolution;
using service::VideoTask;
using testing::ElementsAre;

/// Keeps what is handed over under the names "u0", "u1".
class VideoShelf final : public UploadSink {
 public:
  Result<void> begin() override {
    uploads.emplace_back();
    return {};
  }
  Result<void> upload(std::string_view bytes) override {
    uploads.back() += bytes;
    return {};
  }
  Result<std::string> end() override { return "u" + std::to_string(uploads.size() - 1); }

  std::vector<std::string> uploads;
};

class VideoRequestTest : public testing::Test {
 protected:
  Result<VideoCall> read(std::string_view text, VideoTask task = VideoTask::generation) {
    VideoBody body(task, shelf_);
    TRY(body.feed(text));
    return body.finish(catalogue_, *catalogue_.find("clips"), makers_);
  }
  Error error_of(std::string_view text, VideoTask task = VideoTask::generation) {
    const auto call = read(text, task);
    return call ? Error{.message = "read"} : call.error();
  }

  std::vector<std::string> makers_ = {"clips"};
  VideoShelf shelf_;
  service::Catalogue catalogue_ = *service::Catalogue::make(
      {{.id = "pictures"}, {.id = "clips", .aliases = {"grok-imagine-video"}}}, {});
};

TEST_F(VideoRequestTest, RefusesPicturesAndVideosUnderNamesThatNobodyReads) {
  for (const char* field :
       {R"("image_url": "https://a.example/b.png")",
        R"("images": [{"url": "https://a.example/b"}])",
        R"("first_frame": "data:image/png;base64,AA==")", R"("start": {"file_id": "file_1"})",
        R"("video_url": "https://a.example/b.mp4")"}) {
    const Error error = error_of(std::string(R"({"prompt": "it snows", )") + field + "}");
    EXPECT_EQ(error.code, ErrorCode::invalid_argument) << field;
    EXPECT_THAT(error.message, testing::HasSubstr("image is what a video begins with")) << field;
  }
  const Error both =
      error_of(R"({"image": "https://a.example/b", "input_reference": "https://a.example/c"})");
  EXPECT_EQ(both.field, "input_reference");
  EXPECT_THAT(error_of(R"({"image": [7]})").message, testing::StartsWith("image: expected a URL"));
  EXPECT_TRUE(read(R"({"prompt": "it snows", "images": [], "image_url": null, "size": "7"})"));
}

TEST_F(VideoRequestTest, NamesWhatMakesVideosToWhoAsksForAnUnknownModel) {
  constexpr const char* kUnknown = R"({"prompt": "a", "model": "clip"})";
  const Error error = error_of(kUnknown);
  EXPECT_EQ(error.code, ErrorCode::not_found);
  EXPECT_EQ(error.message,
            "the model \"clip\" does not exist; videos are made by clips here; did you mean "
            "\"clips\"?");
  makers_.clear();
  EXPECT_EQ(error_of(kUnknown).message,
            "the model \"clip\" does not exist; no model that is ready here makes videos");
}

TEST_F(VideoRequestTest, RefusesWordsWhereTheSoundIsYesOrNo) {
  const Error error = error_of(R"({"prompt": "a", "generate_audio": "yes"})");
  EXPECT_EQ(error.code, ErrorCode::unprocessable);
  EXPECT_EQ(error.field, "generate_audio");
  EXPECT_TRUE(read(R"({"prompt": "a", "generate_audio": true})"));
}

TEST_F(VideoRequestTest, SaysOfANumberBeyondAllBoundsThatItIs) {
  const Error beyond = error_of(R"({"prompt": "a", "duration": 1e300})");
  EXPECT_EQ(beyond.code, ErrorCode::invalid_argument);
  EXPECT_THAT(beyond.message, testing::HasSubstr("beyond all bounds"));
  const Error fraction = error_of(R"({"prompt": "a", "duration": 1.5})");
  EXPECT_EQ(fraction.code, ErrorCode::unprocessable);
  EXPECT_THAT(fraction.message, testing::Not(testing::HasSubstr("bounds")));
}

TEST_F(VideoRequestTest, TakesXaisValuesWhereNothingIsSaid) {
  const auto call = read(R"({"prompt": "it snows", "model": null, "image": null})");
  ASSERT_TRUE(call) << call.error().message;
  EXPECT_EQ(call->request,
            (service::VideoRequest{
                .frames = {.model = "clips", .prompt = *service::Prompt::parse("it snows", 99)},
                .seconds = 8,
                .resolution = VideoResolution::p480}));
  EXPECT_TRUE(call->request.frames.warnings.empty());
  EXPECT_FALSE(call->image || call->video);
}

TEST_F(VideoRequestTest, ReadsEveryField) {
  const auto call =
      read(R"({"prompt": "a", "model": "grok-imagine-video", "duration": 15, "aspect_ratio": "9:16",
               "resolution": "720P", "seed": 7, "steps": 3, "guidance": 2, "user": "u",
               "image": {"url": "https://a.example/b.png", "type": "image_url"},
               "generate_audio": true, "fps": 24})");
  ASSERT_TRUE(call) << call.error().message;
  EXPECT_EQ(call->request.frames.aspect_ratio, AspectRatio::r9_16);
  EXPECT_EQ(call->request.resolution, VideoResolution::p720);
  EXPECT_EQ(call->request.seconds, 15);
  EXPECT_EQ(call->request.frames.seed, 7u);
  EXPECT_EQ(call->request.frames.steps, 3);
  EXPECT_EQ(call->request.frames.user, "u");
  EXPECT_EQ(call->image, (GivenPicture{.url = "https://a.example/b.png"}));
  EXPECT_THAT(call->request.frames.warnings,
              ElementsAre("\"fps\": not known here and ignored",
                          "generate_audio: videos here have no sound"));
}

TEST_F(VideoRequestTest, KnowsTheUserByOpenAisNewerNameToo) {
  const auto call = read(R"({"prompt": "a", "safety_identifier": "u"})");
  EXPECT_EQ(call->request.frames.user, "u");
  EXPECT_TRUE(call->request.frames.warnings.empty());
}

TEST_F(VideoRequestTest, TakesTheSecondsOfOtherClients) {
  EXPECT_EQ(read(R"({"prompt": "a", "seconds": "4"})")->request.seconds, 4);
  EXPECT_EQ(read(R"({"prompt": "a", "duration": 4.0})")->request.seconds, 4);
  for (const char* wrong : {R"("4s")", R"("")", "true", "4.5"})
    EXPECT_EQ(error_of(std::string(R"({"prompt": "a", "duration": )") + wrong + "}").code,
              ErrorCode::unprocessable)
        << wrong;
  EXPECT_EQ(error_of(R"({"prompt": "a", "duration": 16})").message,
            "duration is 16, expected 1 to 15 seconds");
}

TEST_F(VideoRequestTest, TakesTheBytesOfWhatIsGiven) {
  const auto call = read(R"({"input_reference": "data:image/png;base64,aGVsbG8="})");
  ASSERT_TRUE(call) << call.error().message;
  EXPECT_THAT(shelf_.uploads, ElementsAre("hello"));
  EXPECT_EQ(call->image, (GivenPicture{.upload = "u0"}));
  EXPECT_EQ(call->request.frames.prompt.text(), "") << "the picture says enough";
}

TEST_F(VideoRequestTest, TakesTheVideoThatATaskIsAbout) {
  const auto longer = read(R"({"prompt": "a", "video": {"file_id": "file_1"}, "duration": 10})",
                           VideoTask::extension);
  ASSERT_TRUE(longer) << longer.error().message;
  EXPECT_EQ(longer->video, (GivenPicture{.file_id = "file_1"}));
  EXPECT_EQ(longer->request.seconds, 10);
  EXPECT_EQ(read(R"({"prompt": "a", "video": "https://a.example/b"})", VideoTask::extension)
                ->request.seconds,
            6);
  const auto edited = read(
      R"({"prompt": "a", "video": "https://a.example/b", "duration": 3, "resolution": "720p"})",
      VideoTask::edit);
  ASSERT_TRUE(edited) << edited.error().message;
  EXPECT_EQ(edited->request.seconds, service::kEditedSecondsReserved);
  EXPECT_EQ(edited->request.frames.warnings.size(), 2u) << "length and size are the video's";
}

TEST_F(VideoRequestTest, NamesWhatIsWrong) {
  EXPECT_EQ(error_of(R"({})").field, "prompt");
  EXPECT_EQ(error_of(R"({"prompt": "a", "video": "https://a.example/b"})").field, "video");
  EXPECT_EQ(error_of(R"({"prompt": "a"})", VideoTask::edit).field, "video");
  EXPECT_EQ(error_of(R"({"prompt": "a", "image": "https://a.example/b",
                         "video": "https://a.example/b"})",
                     VideoTask::extension)
                .field,
            "image");
  EXPECT_EQ(error_of(R"({"prompt": "a", "image": 7})").code, ErrorCode::unprocessable);
  EXPECT_EQ(error_of(R"({"prompt": "a", "video": "a#"})", VideoTask::edit).message,
            "video is neither a URL nor base64");
  for (const char* refused :
       {"reference_images", "last_frame", "keyframes", "storage_options", "output"})
    EXPECT_EQ(error_of(std::string(R"({"prompt": "a", ")") + refused + R"(": [1]})").field,
              refused);
  EXPECT_EQ(error_of(R"({"prompt": "a", "output": {"upload_url": 7}})").field, "output.upload_url");
  EXPECT_EQ(
      error_of(R"({"prompt": "a", "output": {"upload_urls": ["https://a.example/b"]}})").field,
      "output");
  EXPECT_EQ(error_of(R"({"prompt": "a", "resolution": "1080p"})").code, ErrorCode::unprocessable);
  EXPECT_EQ(error_of(R"({"prompt": "a", "model": "nobody"})").code, ErrorCode::not_found);
}

}  // namespace
}  // namespace imagined::api::wire
