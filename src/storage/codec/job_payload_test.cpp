#include "storage/codec/job_payload.h"

#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <vector>

namespace imagined::storage {
namespace {

using service::JobPayload;
using service::PictureRequest;
using service::Prompt;

PictureRequest full_request() {
  return {
      .model = "fast",
      .prompt = *Prompt::parse("caf\xC3\xA9 \"\xF0\x9F\xAA\x81\"\n'; DROP TABLE jobs; --", 8000),
      .count = 10,
      .aspect_ratio = service::AspectRatio::r19_5_9,
      .resolution = service::Resolution::k1_5,
      .seed = std::numeric_limits<std::uint64_t>::max(),
      .format = image::Format::png,
      .user = "user-7"};
}

std::string why_unreadable(const StoredPayload& stored) {
  const auto payload = decode_payload(stored);
  if (payload) return "readable";
  EXPECT_EQ(payload.error().code, ErrorCode::data_loss);
  EXPECT_EQ(payload.error().message, "what was asked for cannot be read");
  return payload.error().detail;
}

TEST(JobPayload, GivesBackEveryFieldOfARequest) {
  const PictureRequest plain{.prompt = *Prompt::parse("a red kite", 8000)};
  PictureRequest seen_coming = plain;
  seen_coming.previews = 3;
  PictureRequest tuned = plain;
  tuned.steps = 7;
  tuned.guidance = 3.7F;
  tuned.negative_prompt = Prompt::trusted("blue");
  tuned.labelled = true;
  tuned.warnings = {"style: not known here and ignored", "quality: no model here has tiers"};
  for (const PictureRequest& request : {full_request(), plain, seen_coming, tuned}) {
    const auto decoded = decode_payload(encode_payload(request));
    ASSERT_TRUE(decoded) << decoded.error().detail;
    EXPECT_EQ(std::get<PictureRequest>(*decoded), request);
  }
}

TEST(JobPayload, IsWrittenAsThisAndReadForEver) {
  // A row of version 1. Never change it: databases hold it.
  const StoredPayload stored{
      .kind = "pictures",
      .version = 1,
      .text = R"({"aspect_ratio":"19.5:9","count":10,"format":"png","model":"fast",)"
              R"("prompt":"a red kite","resolution":"1.5k","seed":18446744073709551615,)"
              R"("user":"user-7"})"};
  PictureRequest request = full_request();
  request.prompt = Prompt::trusted("a red kite");
  EXPECT_EQ(encode_payload(request).text, stored.text);
  EXPECT_EQ(std::get<PictureRequest>(*decode_payload(stored)), request);
}

TEST(JobPayload, WritesAnEditAsThisAndReadsItForEver) {
  // As above.
  const StoredPayload stored{
      .kind = "edits",
      .version = 1,
      .text = R"({"aspect_ratio":"auto","count":1,"format":"jpeg","mask":"ccc","model":"fast",)"
              R"("prompt":"a hat","references":["bbb","aaa","bbb"],"resolution":"1k","user":""})"};
  const service::EditRequest edit{.pictures = {.model = "fast", .prompt = Prompt::trusted("a hat")},
                                  .references = {"bbb", "aaa", "bbb"},
                                  .mask = "ccc"};
  EXPECT_EQ(encode_payload(edit).text, stored.text);
  EXPECT_EQ(std::get<service::EditRequest>(*decode_payload(stored)), edit);
  StoredPayload damaged = stored;
  damaged.text.replace(damaged.text.find("\"aaa\""), 5, "17");
  EXPECT_EQ(why_unreadable(damaged), "field references");
}

TEST(JobPayload, WritesAVideoAsThisAndReadsItForEver) {
  // As above.
  const StoredPayload stored{
      .kind = "videos",
      .version = 1,
      .text = R"({"aspect_ratio":"16:9","guidance":2.5,"image":"aaa","labelled":true,)"
              R"("model":"clips","prompt":"it snows","resolution":"720p","seconds":15,"seed":7,)"
              R"("steps":4,"task":"generation","user":"u"})"};
  const service::VideoRequest video{.frames = {.model = "clips",
                                               .prompt = Prompt::trusted("it snows"),
                                               .aspect_ratio = service::AspectRatio::r16_9,
                                               .seed = 7,
                                               .steps = 4,
                                               .guidance = 2.5F,
                                               .labelled = true,
                                               .user = "u"},
                                    .seconds = 15,
                                    .resolution = service::VideoResolution::p720,
                                    .image = "aaa"};
  EXPECT_EQ(encode_payload(video).text, stored.text);
  EXPECT_EQ(std::get<service::VideoRequest>(*decode_payload(stored)), video);
  for (const service::VideoTask task : {service::VideoTask::extension, service::VideoTask::edit}) {
    service::VideoRequest other{
        .frames = {.prompt = Prompt::trusted("on")}, .task = task, .seconds = 2, .video = "bbb"};
    EXPECT_EQ(std::get<service::VideoRequest>(*decode_payload(encode_payload(other))), other);
  }
  // Read by programs of before as long as it becomes no file.
  EXPECT_EQ(encode_payload(video).version, 1);
  for (const auto& everybody :
       {std::optional<service::PublicWish>(), std::optional(service::PublicWish()),
        std::optional(service::PublicWish{.life_s = 60})}) {
    service::VideoRequest kept = video;
    kept.storage = service::FileWish{.name = "a", .life_s = 3600, .for_everybody = everybody};
    EXPECT_EQ(encode_payload(kept).version, 2);
    EXPECT_EQ(std::get<service::VideoRequest>(*decode_payload(encode_payload(kept))), kept);
  }
  service::VideoRequest sent = video;
  sent.upload_url = "https://a.example/b?signature=c";
  EXPECT_EQ(encode_payload(sent).version, 3);
  EXPECT_EQ(std::get<service::VideoRequest>(*decode_payload(encode_payload(sent))), sent);
  service::VideoRequest warned = video;
  warned.frames.warnings = {"fps: not known here", "generate_audio: no sound"};
  EXPECT_EQ(encode_payload(warned).version, 1) << "they change nothing of how it is made";
  EXPECT_EQ(std::get<service::VideoRequest>(*decode_payload(encode_payload(warned))), warned);
  StoredPayload damaged = stored;
  damaged.text.replace(damaged.text.find("15"), 2, "16");
  EXPECT_EQ(why_unreadable(damaged), "field seconds");
  damaged.text.replace(damaged.text.find("generation"), 10, "hologram");
  EXPECT_EQ(why_unreadable(damaged), "field task");
}

TEST(JobPayload, IsOfTheOldestVersionThatMakesTheSamePictures) {
  PictureRequest request = full_request();
  EXPECT_EQ(encode_payload(request).version, 1);
  request.steps = 7;  // settled in what is sold, which workers of before read
  request.guidance = 3.5F;
  request.warnings = {"style: not known here and ignored"};
  EXPECT_EQ(encode_payload(request).version, 1);
  request.negative_prompt = Prompt::trusted("blue");
  EXPECT_EQ(encode_payload(request).version, 2);
  request.file_quality = 50;
  EXPECT_EQ(encode_payload(request).version, 3);
}

TEST(JobPayload, WritesANegativePromptAsThisAndReadsItForEver) {
  // A row of version 2. Never change it: databases hold it.
  const StoredPayload stored{
      .kind = "pictures",
      .version = 2,
      .text =
          R"({"aspect_ratio":"auto","count":1,"format":"jpeg","guidance":3.5,"model":"fast",)"
          R"("negative_prompt":"blue","prompt":"a hat","resolution":"1k","steps":7,"user":""})"};
  const PictureRequest request{.model = "fast",
                               .prompt = Prompt::trusted("a hat"),
                               .steps = 7,
                               .guidance = 3.5F,
                               .negative_prompt = Prompt::trusted("blue")};
  EXPECT_EQ(encode_payload(request).text, stored.text);
  EXPECT_EQ(std::get<PictureRequest>(*decode_payload(stored)), request);
}

TEST(JobPayload, WritesAFileQualityAsThisAndReadsItForEver) {
  // A row of version 3. Never change it: databases hold it.
  const StoredPayload stored{
      .kind = "pictures",
      .version = 3,
      .text = R"({"aspect_ratio":"auto","count":1,"file_quality":50,"format":"webp",)"
              R"("model":"fast","prompt":"a hat","resolution":"1k","user":""})"};
  const PictureRequest request{.model = "fast",
                               .prompt = Prompt::trusted("a hat"),
                               .format = image::Format::webp,
                               .file_quality = 50};
  EXPECT_EQ(encode_payload(request).text, stored.text);
  EXPECT_EQ(std::get<PictureRequest>(*decode_payload(stored)), request);
}

TEST(JobPayload, IgnoresAFieldThatANewerProgramAdded) {
  StoredPayload stored = encode_payload(full_request());
  stored.text.insert(1, R"("style":{"strength":[1,2]},)");
  EXPECT_EQ(std::get<PictureRequest>(*decode_payload(stored)), full_request());
}

TEST(JobPayload, DoesNotApplyTodaysRulesToWhatWasAPrompt) {
  StoredPayload stored = encode_payload(full_request());
  const auto at = stored.text.find("caf");
  stored.text.insert(at, std::string(100'000, 'x') + "\\u0001");
  EXPECT_TRUE(decode_payload(stored));
}

TEST(JobPayload, RefusesNewerVersionsAndKindsByName) {
  StoredPayload stored = encode_payload(full_request());
  stored.version = 4;
  EXPECT_EQ(why_unreadable(stored), "version 4 of kind \"pictures\"");
  stored.version = 0;
  EXPECT_EQ(why_unreadable(stored), "version 0 of kind \"pictures\"");
  stored = encode_payload(full_request());
  stored.kind = "holograms";
  EXPECT_EQ(why_unreadable(stored), "kind \"holograms\"");
}

TEST(JobPayload, NamesTheFieldThatIsDamaged) {
  const auto with = [](const char* from, const char* to) {
    StoredPayload stored = encode_payload(full_request());
    const auto at = stored.text.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    stored.text.replace(at, std::string(from).size(), to);
    return why_unreadable(stored);
  };
  EXPECT_EQ(with("\"19.5:9\"", "\"7:5\""), "field aspect_ratio");
  EXPECT_EQ(with("\"1.5k\"", "16"), "field resolution");
  EXPECT_EQ(with("\"png\"", "\"tiff\""), "field format");
  EXPECT_EQ(with("\"count\":10", "\"count\":0"), "field count");
  EXPECT_EQ(with("\"count\":10", "\"count\":18446744073709551615"), "field count");
  EXPECT_EQ(with("\"count\":10", "\"count\":1.5"), "field count");
  EXPECT_EQ(with("18446744073709551615", "-1"), "field seed");
  EXPECT_EQ(with("\"user\":\"user-7\"", "\"user\":null"), "field user");
  EXPECT_EQ(with("\"prompt\"", "\"prompd\""), "field prompt");
  EXPECT_EQ(with("\"user\":", "\"steps\":1.5,\"user\":"), "field steps");
  EXPECT_EQ(with("\"user\":", "\"guidance\":\"x\",\"user\":"), "field guidance");
  EXPECT_EQ(with("\"user\":", "\"negative_prompt\":null,\"user\":"), "field negative_prompt");
}

TEST(JobPayload, RefusesWhatIsNoObject) {
  for (const char* text : {"", "{", "[]", "null", "\"x\"", "{\"a\":1}x", "\xFF"})
    EXPECT_EQ(why_unreadable({.kind = "pictures", .version = 1, .text = text}),
              "not a JSON object");
}

TEST(Texts, AreOneParameter) {
  EXPECT_EQ(encode_texts({}), "[]");
  const std::vector<std::string> texts = {"a", "b\"]", ""};
  EXPECT_EQ(encode_texts(texts), R"(["a","b\"]",""])");
}

}  // namespace
}  // namespace imagined::storage
