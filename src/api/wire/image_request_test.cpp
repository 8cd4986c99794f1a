#include "api/wire/image_request.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace imagined::api::wire {
namespace {

using service::AspectRatio;
using service::Resolution;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

service::Catalogue test_catalogue() {
  return *service::Catalogue::make(
      {{.id = "fast", .aliases = {"quick"}, .path = "x", .steps_max = 12, .max_prompt_length = 100},
       {.id = "fine", .path = "x"}},
      service::legacy_names("fast"));
}

Result<GenerationCall> parse(const std::string& body, Dialect dialect = Dialect::all) {
  static const service::Catalogue catalogue = test_catalogue();
  return parse_generation_call(body, catalogue, dialect);
}

// A body with a good prompt and one more field.
std::string with(const std::string& field) { return R"({"prompt":"a cat",)" + field + "}"; }

TEST(GenerationCall, TakesAPromptAlone) {
  const auto call = parse(R"({"prompt":"a cat"})");
  ASSERT_TRUE(call) << call.error().message;
  EXPECT_EQ(call->request.model, "fast");
  EXPECT_EQ(call->request.prompt.text(), "a cat");
  EXPECT_EQ(call->request.count, 1);
  EXPECT_EQ(call->request.aspect_ratio, AspectRatio::auto_);
  EXPECT_EQ(call->request.resolution, Resolution::k1);
  EXPECT_EQ(call->request.format, image::Format::jpeg);
  EXPECT_FALSE(call->request.seed);
  EXPECT_EQ(call->response_format, ResponseFormat::url);
}

TEST(GenerationCall, AnswersAsTheModelThatWasNamedDoesAtOpenAi) {
  const auto catalogue = *service::Catalogue::make(
      {{.id = "fast", .aliases = {"gpt-image-2", "gpt-image", "not-gpt-image-2"}, .path = "x"}},
      {});
  const auto form_of = [&catalogue](const std::string& field) {
    return parse_generation_call(with(field), catalogue, Dialect::all)->response_format;
  };
  EXPECT_EQ(form_of(R"("model":"gpt-image-2")"), ResponseFormat::b64_json);
  EXPECT_EQ(form_of(R"("model":"gpt-image-2","response_format":null)"), ResponseFormat::b64_json);
  EXPECT_EQ(form_of(R"("model":"gpt-image-2","response_format":"url")"), ResponseFormat::url);
  EXPECT_EQ(form_of(R"("model":"fast")"), ResponseFormat::url);
  EXPECT_EQ(form_of(R"("model":"gpt-image")"), ResponseFormat::url);
  EXPECT_EQ(form_of(R"("model":"not-gpt-image-2")"), ResponseFormat::url);
}

TEST(GenerationCall, TakesHowThePictureIsMadeUnderOurNamesAndOthers) {
  const auto ours = parse(with(R"("steps":12,"guidance":3.5,"negative_prompt":"a dog")"));
  ASSERT_TRUE(ours) << ours.error().message;
  EXPECT_EQ(ours->request.steps, 12);
  EXPECT_EQ(ours->request.guidance, 3.5F);
  EXPECT_EQ(ours->request.negative_prompt->text(), "a dog");
  EXPECT_THAT(ours->request.warnings, IsEmpty());
  const auto theirs = parse(with(R"("num_inference_steps":2.0,"guidance_scale":1)"));
  ASSERT_TRUE(theirs) << theirs.error().message;
  EXPECT_EQ(theirs->request.steps, 2);
  EXPECT_EQ(theirs->request.guidance, 1.0F);
  const auto nothing = parse(with(R"("steps":null,"guidance":null,"negative_prompt":" \n")"));
  ASSERT_TRUE(nothing) << nothing.error().message;
  EXPECT_FALSE(nothing->request.steps);
  EXPECT_FALSE(nothing->request.guidance);
  EXPECT_FALSE(nothing->request.negative_prompt);
}

TEST(GenerationCall, NamesWhatIsWrongWithHowThePictureIsMade) {
  const auto error = [](const std::string& field) { return parse(with(field)).error(); };
  EXPECT_EQ(error(R"("steps":13)").message, "steps is 13, expected 1 to 12 for the model \"fast\"");
  EXPECT_EQ(error(R"("steps":0)").field, "steps");
  EXPECT_EQ(error(R"("num_inference_steps":9999999999)").code, ErrorCode::invalid_argument);
  EXPECT_EQ(error(R"("steps":"4")").code, ErrorCode::unprocessable);
  EXPECT_EQ(error(R"("guidance":100.5)").message, "guidance is 100.5, expected 0 to 100");
  EXPECT_EQ(error(R"("guidance":-1)").field, "guidance");
  EXPECT_EQ(error(R"("guidance_scale":"high")").field, "guidance_scale");
  EXPECT_EQ(error(R"("negative_prompt":["a dog"])").code, ErrorCode::unprocessable);
  EXPECT_EQ(error(R"("negative_prompt":"\u0007")").field, "negative_prompt");
  EXPECT_THAT(error(R"("negative_prompt":")" + std::string(101, 'x') + R"(")").message,
              HasSubstr("negative_prompt: Prompt len is larger"));
  EXPECT_THAT(error(R"("guidance":1,"guidance_scale":2)").message, HasSubstr("mean the same"));
}

TEST(GenerationCall, TakesWhatFilesThePicturesAreToBecome) {
  const auto call = parse(
      with(R"("storage_options":{"filename":"kite.jpg","expires_after":3600,"public_url":false})"));
  ASSERT_TRUE(call) << call.error().message;
  EXPECT_EQ(call->storage, (service::FileWish{.name = "kite.jpg", .life_s = 3600}));
  EXPECT_FALSE(parse(with(R"("storage_options":null)"))->storage);
}

TEST(GenerationCall, TakesWhetherEverybodyMaySeeTheFiles) {
  const auto wish = [](const std::string& options) {
    const auto call =
        parse(with("\"storage_options\":{\"filename\":\"a\",\"public_url\":" + options + "}"));
    EXPECT_TRUE(call) << options << call.error().message;
    return call->storage->for_everybody;
  };
  EXPECT_EQ(wish("true"), service::PublicWish());
  EXPECT_EQ(wish("{}"), service::PublicWish());
  EXPECT_EQ(wish(R"({"expires_after":3600})"), (service::PublicWish{.life_s = 3'600}));
  EXPECT_EQ(wish("false"), std::nullopt);
  EXPECT_EQ(wish("null"), std::nullopt);
}

TEST(GenerationCall, NamesWhatOfStorageIsNotDone) {
  const auto error = [](const std::string& options) {
    const auto call = parse(with("\"storage_options\":" + options));
    EXPECT_FALSE(call) << options;
    return call ? Error{} : call.error();
  };
  EXPECT_EQ(error(R"({"filename":"a","shared":true})").message,
            "storage_options.shared: not offered by this server; leave it out");
  EXPECT_EQ(error(R"({"filename":"a","shared":true})").field, "storage_options.shared");
  EXPECT_EQ(error(R"({"filename":"a","public_url":"yes"})").field, "storage_options.public_url");
  EXPECT_EQ(error(R"({"filename":"a","public_url":{"expires_after":"1"}})").field,
            "storage_options.public_url.expires_after");
  EXPECT_EQ(error(R"({"filename":"a","public_url":{"for":"me"}})").field,
            "storage_options.public_url.for");
  EXPECT_EQ(error(R"({"filename":7})").field, "storage_options.filename");
  EXPECT_EQ(error(R"({"expires_after":3600})").field, "storage_options.filename");
  EXPECT_THAT(error(R"({"filename":"a","expires_after":"1"})").message,
              HasSubstr("storage_options.expires_after: expected"));
  EXPECT_THAT(error(R"({"filename":"a","bucket":"b"})").message, HasSubstr(".bucket: not offered"));
  EXPECT_THAT(error(R"({"expires_after":3600})").message, HasSubstr("filename: expected"));
  EXPECT_EQ(error(R"({"filename":7})").code, ErrorCode::unprocessable);
  for (const char* no_object : {R"("kite.jpg")", R"("")", "[]", "false", "0"})
    EXPECT_EQ(error(no_object).code, ErrorCode::unprocessable) << no_object;
  EXPECT_THAT(error(R"({"filename":"a"},"stream":true)").message, HasSubstr("not with stream"));
  EXPECT_THAT(error(R"({"filename":"a"},"deferred":true)").message, HasSubstr("not with deferred"));
}

TEST(GenerationCall, StrictlyAsXaiRefusesTheWordsOfOthers) {
  const auto code = [](const std::string& field) {
    EXPECT_TRUE(parse(with(field))) << field;
    return parse(with(field), Dialect::xai).error().code;
  };
  EXPECT_EQ(code(R"("size":"1024x1024")"), ErrorCode::invalid_argument);
  EXPECT_EQ(code(R"("quality":"hd")"), ErrorCode::unprocessable);
  EXPECT_EQ(code(R"("resolution":"2K")"), ErrorCode::unprocessable);
  for (const char* field : {R"("size":null)", R"("quality":"high")", R"("resolution":"2k")"})
    EXPECT_TRUE(parse(with(field), Dialect::xai)) << field;
}

TEST(GenerationCall, TakesEachQualityOfOpenAi) {
  for (const char* quality : {"auto", "standard", "low", "medium", "high", "hd", "xhigh", "max"})
    EXPECT_TRUE(parse(with(fmt::format(R"("quality":"{}")", quality)))) << quality;
  EXPECT_FALSE(parse(with(R"("quality":"best")")));
}

TEST(GenerationCall, TakesEveryField) {
  const auto call = parse(
      R"({"model":"fine","prompt":"a cat","n":10,"response_format":"b64_json",
          "aspect_ratio":"16:9","resolution":"2K","quality":"hd","user":"u","seed":7,
          "output_format":"webp","output_compression":40})");
  ASSERT_TRUE(call) << call.error().message;
  EXPECT_EQ(call->request.model, "fine");
  EXPECT_EQ(call->request.count, 10);
  EXPECT_EQ(call->request.aspect_ratio, AspectRatio::r16_9);
  EXPECT_EQ(call->request.resolution, Resolution::k2);
  EXPECT_EQ(call->request.format, image::Format::webp);
  EXPECT_EQ(call->request.file_quality, 40);
  EXPECT_EQ(call->request.seed, 7u);
  EXPECT_EQ(call->request.user, "u");
  EXPECT_EQ(call->response_format, ResponseFormat::b64_json);
}

TEST(GenerationCall, KnowsTheUserByOpenAisNewerNameToo) {
  const auto user_of = [](const char* fields) { return parse(with(fields))->request.user; };
  EXPECT_EQ(user_of(R"("safety_identifier":"u")"), "u");
  EXPECT_EQ(user_of(R"("user":"u","safety_identifier":"other")"), "u");
  EXPECT_EQ(user_of(R"("user":null,"safety_identifier":"u")"), "u");
  EXPECT_TRUE(parse(with(R"("safety_identifier":"u")"))->request.warnings.empty());
}

TEST(GenerationCall, ResolvesAnAlias) {
  EXPECT_EQ(parse(with(R"("model":"quick")"))->request.model, "fast");
}

TEST(GenerationCall, TakesNullForAbsent) {
  const auto call = parse(
      R"({"prompt":"a cat","model":null,"n":null,"response_format":null,"aspect_ratio":null,
          "resolution":null,"size":null,"seed":null,"user":null,"quality":null,"deferred":false,
          "storage_options":null,"output":null,"output_format":null,"output_compression":null})");
  EXPECT_TRUE(call) << call.error().message;
}

TEST(GenerationCall, WarnsOfWhatItDoesNotKnow) {
  for (const char* name : {"style", "strength", "background", "num_images", "no_such_field"}) {
    const auto call = parse(with(fmt::format(R"("{}":{{"a":[1,2]}})", name)));
    ASSERT_TRUE(call) << name;
    ASSERT_EQ(call->request.warnings.size(), 1u) << name;
    EXPECT_THAT(call->request.warnings.front(), HasSubstr(name));
  }
  EXPECT_THAT(parse(with(R"("quality":"hd")"))->request.warnings.front(), HasSubstr("quality"));
}

TEST(GenerationCall, TakesTheQualityOfFilesThatLoseSome) {
  EXPECT_EQ(parse(with(R"("output_compression":0)"))->request.file_quality, 1);
  EXPECT_EQ(parse(with(R"("output_compression":100)"))->request.file_quality, 100);
  EXPECT_THAT(parse(with(R"("output_format":"png","output_compression":100)"))->request.warnings,
              testing::ElementsAre(HasSubstr("PNG")));
}

TEST(GenerationCall, SaysWhenOtherPixelsAreMadeThanWereAskedFor) {
  for (const char* field :
       {R"("size":"1024x1792")", R"("size":"1000x1000")",
        R"("size":"1024x1024","aspect_ratio":"16:9")", R"("size":"1024x1024","resolution":"2k")"}) {
    const auto call = parse(with(field));
    ASSERT_TRUE(call) << field;
    ASSERT_EQ(call->request.warnings.size(), 1u) << field;
    EXPECT_THAT(call->request.warnings.front(), HasSubstr("size")) << field;
  }
  EXPECT_THAT(parse(with(R"("size":"1024x1792")"))->request.warnings.front(),
              HasSubstr("1024x1792 was asked for and 720x1280 is made"));
  for (const char* field : {R"("size":"auto")", R"("size":"1024x1024")", R"("size":"1024*1024")",
                            R"("size":"2048x2048","resolution":"2k")"}) {
    EXPECT_THAT(parse(with(field))->request.warnings, IsEmpty()) << field;
  }
}

TEST(GenerationCall, ReadsWhetherThePicturesAreToBeSeenComing) {
  const auto call = parse(with(R"("stream":true,"partial_images":2)"));
  EXPECT_TRUE(call->stream);
  EXPECT_EQ(call->request.previews, 2);
  EXPECT_THAT(call->request.warnings, IsEmpty());
  EXPECT_FALSE(parse(with(R"("stream":false)"))->stream);
}

TEST(GenerationCall, SaysThatPreviewsTakeAStream) {
  const auto call = parse(with(R"("partial_images":2)"));
  EXPECT_EQ(call->request.previews, 0);
  EXPECT_THAT(call->request.warnings, testing::ElementsAre(HasSubstr("partial_images")));
}

TEST(GenerationCall, WarnsOfNothingThatAsksForNothing) {
  for (const char* field :
       {R"("stream":false)", R"("stream":null)", R"("image":null)", R"("images":[])",
        R"("style":"")", R"("quality":"auto")", R"("moderation":"low")", R"("deferred":false)"}) {
    const auto call = parse(with(field));
    ASSERT_TRUE(call) << field;
    EXPECT_THAT(call->request.warnings, IsEmpty()) << field;
  }
}

TEST(GenerationCall, SaysWhereAPictureBelongs) {
  EXPECT_THAT(parse(with(R"("image":"x")")).error().message, HasSubstr("/v1/images/edits"));
}

TEST(GenerationCall, ReadsAWholeNumberHoweverItIsWritten) {
  EXPECT_EQ(parse(with(R"("n":2.0)"))->request.count, 2);
  EXPECT_EQ(parse(with(R"("n":1e1)"))->request.count, 10);
  EXPECT_EQ(parse(with(R"("seed":7.0)"))->request.seed, 7u);
}

TEST(GenerationCall, TakesMinusOneForARandomSeed) {
  const auto call = parse(with(R"("seed":-1)"));
  ASSERT_TRUE(call) << call.error().message;
  EXPECT_EQ(call->request.seed, std::nullopt);
  EXPECT_EQ(parse(with(R"("seed":0)"))->request.seed, 0u);
}

TEST(GenerationCall, SaysWhichEncodingABodySeemsToHave) {
  const auto said = [](std::string_view bytes) {
    return parse(std::string(bytes)).error().message;
  };
  using namespace std::string_view_literals;
  EXPECT_EQ(said("{\"prompt\":\"caf\xE9\"}"),
            "the body is not JSON in UTF-8: byte 14 is 0xE9; it looks like Windows-1252, there the "
            "letter \"\u00E9\"");
  EXPECT_THAT(said("{\"prompt\":\"\x80 5\"}"), HasSubstr("Windows-1252"));
  EXPECT_THAT(said("{\"prompt\":\"\xB0\xA1\xB0\xA1\"}"), Not(HasSubstr("Windows-1252")));
  for (const auto text : {"{\0\"\0"sv, "\0{\0\""sv, "\xFF\xFE{\0"sv, "\xFE\xFF\0{"sv}) {
    EXPECT_THAT(said(text), HasSubstr("UTF-16"));
  }
  for (const auto text : {"{\0\0\0"sv, "\0\0\0{"sv, "\xFF\xFE\0\0{\0\0\0"sv}) {
    EXPECT_THAT(said(text), HasSubstr("UTF-32"));
  }
}

TEST(GenerationCall, NamesTheFieldOfHalfASurrogatePair) {
  EXPECT_EQ(parse(R"({"n":1,"prompt":"a \ud83d b"})").error().message,
            "prompt: not JSON: a \\u escape is half a surrogate pair, which is no character");
  EXPECT_EQ(parse(R"({"prompt":"\ud83d\ude00"})")->request.prompt.text(), "\U0001F600");
}

std::string nested(int depth) {
  return with("\"x\":" + std::string(static_cast<std::size_t>(depth), '[') +
              std::string(static_cast<std::size_t>(depth), ']'));
}

TEST(GenerationCall, IsNotSaidToBeNoJsonWhereItIsMoreThanIsTaken) {
  EXPECT_TRUE(parse(nested(31)));
  EXPECT_EQ(parse(nested(32)).error().message,
            "x: the text is nested too deeply (at most 32 levels are allowed)");
  EXPECT_EQ(parse(std::string(33, '[')).error().message,
            "the text is nested too deeply (at most 32 levels are allowed)");
}

struct BadCall {
  const char* name;
  std::string body;
  ErrorCode code;
  const char* field;  // of the error
};

class RefusedCall : public ::testing::TestWithParam<BadCall> {};

TEST_P(RefusedCall, NamesCodeAndField) {
  const auto call = parse(GetParam().body);
  ASSERT_FALSE(call);
  EXPECT_EQ(call.error().code, GetParam().code) << call.error().message;
  EXPECT_EQ(call.error().field, GetParam().field) << call.error().message;
}

std::string many_fields(int count) {
  std::string body = R"({"prompt":"a")";
  for (int i = 0; i < count; ++i) body += ",\"f" + std::to_string(i) + "\":1";
  return body + "}";
}

constexpr auto k400 = ErrorCode::invalid_argument;
constexpr auto k422 = ErrorCode::unprocessable;

INSTANTIATE_TEST_SUITE_P(
    Json, RefusedCall,
    ::testing::Values(BadCall{"Empty", "", k400, ""}, BadCall{"Null", "null", k400, ""},
                      BadCall{"Array", "[]", k400, ""}, BadCall{"Text", "\"x\"", k400, ""},
                      BadCall{"NoJson", "prompt=cat", k400, ""},
                      BadCall{"Cut", R"({"prompt":"a ca)", k400, "prompt"},
                      BadCall{"TrailingBytes", R"({"prompt":"a"} x)", k400, ""},
                      BadCall{"TwoDocuments", R"({"prompt":"a"}{"prompt":"a"})", k400, ""},
                      BadCall{"ByteOrderMark", "\xEF\xBB\xBF{\"prompt\":\"a\"}", k400, ""},
                      BadCall{"DuplicateKey", with(R"("model":"fast","model":"fine")"), k400, ""},
                      BadCall{"TooDeep", nested(32), k400, "x"},
                      BadCall{"VeryDeep", nested(100'000), k400, "x"},
                      BadCall{"TooManyFields", many_fields(64), k400, ""},
                      BadCall{"NotANumber", with(R"("n":NaN)"), k400, "n"},
                      BadCall{"Infinity", with(R"("n":1e999)"), k400, "n"},
                      BadCall{"LeadingZero", with(R"("n":01)"), k400, ""},
                      BadCall{"BareFraction", with(R"("n":.5)"), k400, "n"},
                      BadCall{"LongNumber", with("\"n\":1." + std::string(100, '1')), k400, "n"},
                      BadCall{"HighHalfSurrogate", R"({"prompt":"\ud800"})", k400, "prompt"},
                      BadCall{"LowHalfSurrogate", R"({"prompt":"\udc00\ud800"})", k400, "prompt"},
                      BadCall{"InvalidUtf8", "{\"prompt\":\"\xC0\xAF\"}", k400, ""},
                      BadCall{"RawControlCharacter", "{\"prompt\":\"a\x01\"}", k400, "prompt"}),
    [](const auto& each) { return each.param.name; });

INSTANTIATE_TEST_SUITE_P(
    Fields, RefusedCall,
    ::testing::Values(
        BadCall{"NoPrompt", "{}", k400, "prompt"},
        BadCall{"NullPrompt", R"({"prompt":null})", k400, "prompt"},
        BadCall{"EmptyPrompt", R"({"prompt":""})", k400, "prompt"},
        BadCall{"BlankPrompt", R"({"prompt":" \u200b\t"})", k400, "prompt"},
        BadCall{"NumberPrompt", R"({"prompt":7})", k422, "prompt"},
        BadCall{"ArrayPrompt", R"({"prompt":["a"]})", k422, "prompt"},
        BadCall{"LongPrompt", R"({"prompt":")" + std::string(101, 'a') + "\"}", k400, "prompt"},
        BadCall{"ZeroInPrompt", R"({"prompt":"a\u0000b"})", k400, "prompt"},
        BadCall{"ControlInPrompt", R"({"prompt":"a\u0007b"})", k400, "prompt"},
        BadCall{"ZeroPictures", with(R"("n":0)"), k400, "n"},
        BadCall{"NegativePictures", with(R"("n":-1)"), k400, "n"},
        BadCall{"ElevenPictures", with(R"("n":11)"), k400, "n"},
        BadCall{"HugeCount", with(R"("n":18446744073709551616)"), k400, "n"},
        BadCall{"LargeCount", with(R"("n":9223372036854775808)"), k400, "n"},
        BadCall{"FractionCount", with(R"("n":1.5)"), k422, "n"},
        BadCall{"TextCount", with(R"("n":"2")"), k422, "n"},
        BadCall{"TrueCount", with(R"("n":true)"), k422, "n"},
        BadCall{"UnknownModel", with(R"("model":"nope")"), ErrorCode::not_found, "model"},
        BadCall{"OtherCaseModel", with(R"("model":"FAST")"), ErrorCode::not_found, "model"},
        BadCall{"RetiredModel", with(R"("model":"flux-1.1-pro")"), ErrorCode::not_found, "model"},
        BadCall{"LongModel", with("\"model\":\"" + std::string(300, 'x') + "\""), k400, "model"},
        BadCall{"NumberModel", with(R"("model":1)"), k422, "model"},
        BadCall{"UnknownRatio", with(R"("aspect_ratio":"16:10")"), k422, "aspect_ratio"},
        BadCall{"RatioWithSpace", with(R"("aspect_ratio":"16:9 ")"), k422, "aspect_ratio"},
        BadCall{"NumberRatio", with(R"("aspect_ratio":1)"), k422, "aspect_ratio"},
        BadCall{"UnknownResolution", with(R"("resolution":"4k")"), k422, "resolution"},
        BadCall{"NumberResolution", with(R"("resolution":2)"), k422, "resolution"},
        BadCall{"UnknownResponseFormat", with(R"("response_format":"jpg")"), k422,
                "response_format"},
        BadCall{"UnknownOutputFormat", with(R"("output_format":"gif")"), k422, "output_format"},
        BadCall{"UnknownQuality", with(R"("quality":"best")"), k422, "quality"},
        BadCall{"BrokenSize", with(R"("size":"big")"), k422, "size"},
        BadCall{"ZeroSize", with(R"("size":"0x1024")"), k422, "size"},
        BadCall{"NegativeSeed", with(R"("seed":-2)"), k400, "seed"},
        BadCall{"FractionSeed", with(R"("seed":0.5)"), k422, "seed"},
        BadCall{"TextSeed", with(R"("seed":"1")"), k422, "seed"},
        BadCall{"LongSafetyIdentifier",
                with("\"safety_identifier\":\"" + std::string(513, 'u') + "\""), k400,
                "safety_identifier"},
        BadCall{"LongUser", with("\"user\":\"" + std::string(513, 'u') + "\""), k400, "user"},
        BadCall{"DeferredBytes", with(R"("deferred":true,"response_format":"b64_json")"), k400,
                "deferred"},
        BadCall{"DeferredStream", with(R"("deferred":true,"stream":true)"), k400, "deferred"},
        BadCall{"DeferredAsText", with(R"("deferred":"true")"), k422, "deferred"},
        BadCall{"StreamAsText", with(R"("stream":"true")"), k422, "stream"},
        BadCall{"CompressedTooMuch", with(R"("output_compression":101)"), k400,
                "output_compression"},
        BadCall{"CompressionAsText", with(R"("output_compression":"9")"), k422,
                "output_compression"},
        BadCall{"ManyPreviews", with(R"("partial_images":4)"), k400, "partial_images"},
        BadCall{"NoPreviewsAtAll", with(R"("partial_images":-1)"), k400, "partial_images"},
        BadCall{"PreviewsAsText", with(R"("partial_images":"2")"), k422, "partial_images"},
        BadCall{"Picture", with(R"("image":"https://example.com/a.png")"), k400, "image"},
        BadCall{"PictureAsObject", with(R"("image":{"url":"x"})"), k400, "image"},
        BadCall{"Pictures", with(R"("images":[{"url":"x"}])"), k400, "images"},
        BadCall{"PictureUrl", with(R"("image_url":"x")"), k400, "image_url"},
        BadCall{"References", with(R"("reference_images":["https://a/b.png"])"), k400,
                "reference_images"},
        BadCall{"DataUri", with(R"("init":"data:image/png;base64,AA==")"), k400, "init"},
        BadCall{"FileId", with(R"("input":[{"file_id":"file_1"}])"), k400, "input"},
        BadCall{"Mask", with(R"("mask":"x")"), k400, "mask"},
        BadCall{"Output", with(R"("output":{"upload_url":"x"})"), k400, "output.upload_url"},
        BadCall{"UploadUrls", with(R"("output":{"upload_urls":[7]})"), k422, "output.upload_urls"}),
    [](const auto& each) { return each.param.name; });

TEST(GenerationCall, SaysWhatItExpectedAndWhatItGot) {
  EXPECT_EQ(parse(with(R"("n":"2")")).error().message,
            "n: expected an integer from 1 to 10, got \"2\"");
  EXPECT_EQ(parse(with(R"("response_format":"jpg")")).error().message,
            "response_format: expected one of url, b64_json, got \"jpg\"");
}

TEST(GenerationCall, LetsRatioAndResolutionWinOverSize) {
  const auto call = parse(with(R"("size":"1792x1024","aspect_ratio":"1:1","resolution":"2k")"));
  ASSERT_TRUE(call) << call.error().message;
  EXPECT_EQ(call->request.aspect_ratio, AspectRatio::r1_1);
  EXPECT_EQ(call->request.resolution, Resolution::k2);
}

struct SizeCase {
  const char* size;
  AspectRatio ratio;
  Resolution resolution;
};

TEST(Size, MeansARatioAndAResolution) {
  for (const SizeCase& each : {
           SizeCase{"1024x1024", AspectRatio::r1_1, Resolution::k1},
           SizeCase{"256x256", AspectRatio::r1_1, Resolution::k1},
           SizeCase{"2048x2048", AspectRatio::r1_1, Resolution::k2},
           SizeCase{"1792x1024", AspectRatio::r16_9, Resolution::k1},
           SizeCase{"1024x1792", AspectRatio::r9_16, Resolution::k1},
           SizeCase{"1280x720", AspectRatio::r16_9, Resolution::k1},
           SizeCase{"1920x1080", AspectRatio::r16_9, Resolution::k1},
           SizeCase{"1536x1024", AspectRatio::r3_2, Resolution::k1},
           SizeCase{"1024x1536", AspectRatio::r2_3, Resolution::k1},
           SizeCase{"1776x2368", AspectRatio::r3_4, Resolution::k2},
           SizeCase{"1600x1200", AspectRatio::r4_3, Resolution::k1},
           SizeCase{"1024*1024", AspectRatio::r1_1, Resolution::k1},
           SizeCase{"1280X720", AspectRatio::r16_9, Resolution::k1},
           SizeCase{"auto", AspectRatio::auto_, Resolution::k1},
       }) {
    const auto shape = parse_size(each.size);
    ASSERT_TRUE(shape) << each.size;
    EXPECT_EQ(service::to_string(shape->aspect_ratio), service::to_string(each.ratio)) << each.size;
    EXPECT_EQ(service::to_string(shape->resolution), service::to_string(each.resolution))
        << each.size;
  }
}

}  // namespace
}  // namespace imagined::api::wire
