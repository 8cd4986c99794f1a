#include "storage/codec/upstream_messages.h"

#include <gmock/gmock.h>

namespace imagined::storage {
namespace {

using service::EditRequest;
using service::PictureRequest;
using service::VideoRequest;
using service::VideoTask;
using testing::HasSubstr;

PictureRequest house() { return {.model = "far", .prompt = service::Prompt::trusted("a house")}; }

std::string encoded(const service::JobPayload& wanted, std::vector<service::GivenFile> given = {}) {
  return encode_upstream_order("there", {.wanted = wanted, .given = std::move(given), .id = "1"})
      .value();
}

TEST(UpstreamMessages, SayOfPicturesWhatWasAskedForAndNoMore) {
  EXPECT_EQ(encoded(house()),
            R"({"model":"there","prompt":"a house","n":1,"response_format":"b64_json"})");
  PictureRequest whole = house();
  whole.count = 3;
  whole.aspect_ratio = service::AspectRatio::r16_9;
  whole.resolution = service::Resolution::k2;
  whole.seed = 7;
  EXPECT_EQ(encoded(whole), R"({"model":"there","prompt":"a house","aspect_ratio":"16:9","seed":7,)"
                            R"("n":3,"response_format":"b64_json","resolution":"2k"})");
}

TEST(UpstreamMessages, SendWhatIsGivenAsDataUrls) {
  const EditRequest edit{.pictures = house(), .references = {"b1", "b2"}};
  EXPECT_THAT(encoded(edit, {{{1, 2, 3}, "image/jpeg"}, {{4}, "image/png"}}),
              testing::EndsWith(R"(,"images":[{"url":"data:image/jpeg;base64,AQID","type":)"
                                R"("image_url"},{"url":"data:image/png;base64,BA==","type":)"
                                R"("image_url"}]})"));
  const VideoRequest longer{
      .frames = house(), .task = VideoTask::extension, .seconds = 6, .video = "b1"};
  EXPECT_EQ(encoded(longer, {{{1}, "video/mp4"}}),
            R"({"model":"there","prompt":"a house","duration":6,"video":)"
            R"({"url":"data:video/mp4;base64,AQ==","type":"video_url"}})");
  const auto too_much = encode_upstream_order(
      "there",
      {.wanted = edit, .given = {{std::vector<std::uint8_t>(49u << 20), "image/png"}}, .id = "1"});
  ASSERT_FALSE(too_much);
  EXPECT_EQ(too_much.error().code, ErrorCode::payload_too_large);
}

TEST(UpstreamMessages, GoWhereTheyBelong) {
  EXPECT_EQ(path_for(house()), "/images/generations");
  EXPECT_EQ(path_for(EditRequest{.pictures = house()}), "/images/edits");
  EXPECT_EQ(path_for(VideoRequest{.frames = house(), .task = VideoTask::edit}), "/videos/edits");
}

TEST(UpstreamMessages, ReadPicturesInEitherForm) {
  const auto answered = decode_answered_pictures(
      R"({"data":[{"b64_json":"AQID"},{"b64_json":"data:image/png;base64,BA=="},{"url":"https://x/"},
          {"url":"https://y/","respect_moderation":false}],"usage":{"cost_in_usd_ticks":7}})");
  ASSERT_TRUE(answered);
  ASSERT_EQ(answered->pictures.size(), 3u);
  EXPECT_EQ(answered->pictures[0].file, (std::vector<std::uint8_t>{1, 2, 3}));
  EXPECT_EQ(answered->pictures[1].file, (std::vector<std::uint8_t>{4}));
  EXPECT_EQ(answered->pictures[2].url, "https://x/");
  EXPECT_TRUE(answered->kept_back);
  EXPECT_EQ(answered->cost_usd_ticks, 7);
  for (const char* text : {"", "[]", "{}", R"({"data":{}})", R"({"data":[1]})", R"({"data":[{}]})",
                           R"({"data":[{"b64_json":"#"}]})", "{\"data\":[{\"url\":\"\xff\"}]}"})
    EXPECT_EQ(decode_answered_pictures(text).error().code, ErrorCode::data_loss) << text;
}

TEST(UpstreamMessages, TakeNoIdThatWouldLeadElsewhere) {
  EXPECT_EQ(*decode_request_id(R"({"request_id":"01-aB_9"})"), "01-aB_9");
  for (const char* id : {"", "../files", "a?b", "a b", "a%2f"})
    EXPECT_FALSE(decode_request_id(std::string(R"({"request_id":")") + id + R"("})")) << id;
}

TEST(UpstreamMessages, ReadHowAVideoStands) {
  using State = AnsweredVideo::State;
  EXPECT_EQ(decode_answered_video("")->state, State::pending);
  EXPECT_EQ(decode_answered_video(R"({"status":"pending","progress":140})")->percent, 99);
  EXPECT_EQ(decode_answered_video(R"({"status":"thinking"})")->state, State::pending);
  const auto done = decode_answered_video(
      R"({"status":"done","video":{"url":"https://x/","duration":2.5},"usage":{"cost_in_usd_ticks":9}})");
  ASSERT_TRUE(done);
  EXPECT_EQ(done->url, "https://x/");
  EXPECT_EQ(done->duration_ms, 2500);
  EXPECT_EQ(done->cost_usd_ticks, 9);
  const auto kept_back = decode_answered_video(
      R"({"status":"done","video":{"url":"https://x/","respect_moderation":false}})");
  ASSERT_TRUE(kept_back);
  EXPECT_EQ(kept_back->url, "");
  EXPECT_FALSE(decode_answered_video(R"({"status":"done","video":{}})"));
  const auto failed = decode_answered_video(
      R"({"status":"failed","error":{"code":"internal_error","message":"oops"}})");
  ASSERT_TRUE(failed && failed->error);
  EXPECT_EQ(failed->error->code, ErrorCode::unavailable);
  EXPECT_EQ(decode_answered_video(R"({"status":"expired"})")->state, State::failed);
}

TEST(UpstreamMessages, TellTheirModerationFromOtherRefusals) {
  for (const char* text : {R"({"code":"imagine:content-moderated","error":"Rejected."})",
                           R"({"error":{"code":"content_policy_violation","message":"no"}})",
                           R"({"error":"Generated image rejected by content moderation."})"})
    EXPECT_EQ(decode_upstream_error(400, text).reason, ErrorReason::content_moderated) << text;
  const Error other = decode_upstream_error(400, R"({"error":{"message":"bad\nratio"}})");
  EXPECT_EQ(other.reason, ErrorReason::none);
  EXPECT_EQ(other.message, "bad ratio");
  EXPECT_EQ(decode_upstream_error(502, "<html>").message, "the other server refuses it");
  const std::string long_text(500, 'x');
  EXPECT_EQ(decode_upstream_error(400, "{\"error\":\"" + long_text + "\"}").message.size(), 403u);
}

}  // namespace
}  // namespace imagined::storage
