#include "api/http/unserved.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace imagined::api {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

Error answer(std::string_view path, std::string_view method = "POST") {
  return unserved(all_routes(), method, path);
}

TEST(Unserved, NamesWhatOfTheKnownApisIsMissing) {
  for (const char* path : {"/v1/chat/deferred-completion/1", "/v1/responses/abc/input_items"}) {
    const Error error = answer(path);
    EXPECT_EQ(error.code, ErrorCode::unimplemented) << path;
    EXPECT_THAT(error.message, HasSubstr(path));
  }
}

TEST(Unserved, SaysNothingIsMissingOfWhatIsServed) {
  EXPECT_FALSE(known_and_unserved("GET", "/v1/chat/completions"));
  EXPECT_FALSE(known_and_unserved("GET", "/v1/responses"));
}

TEST(Unserved, KnowsWhatARoutesPathWouldHide) {
  // GET /v1/images/{request_id} has the path of this.
  const auto known = known_and_unserved("POST", "/v1/images/variations");
  ASSERT_TRUE(known);
  EXPECT_THAT(known->message, HasSubstr("no variations"));
  EXPECT_FALSE(known_and_unserved("POST", "/v1/images/6f0c1a52"));
}

TEST(Unserved, SaysWhereElseToAskForWhatTheApiNeverHad) {
  EXPECT_EQ(answer("/v1/images/variations").code, ErrorCode::not_found);
  EXPECT_THAT(answer("/v1/images/variations").message, HasSubstr("no variations"));
  EXPECT_THAT(answer("/v1/videos").message, HasSubstr("/v1/videos/generations"));
  EXPECT_THAT(answer("/v1/videos/some-id/content").message, HasSubstr("video.url"));
}

TEST(Unserved, NamesThePathThatWasMeant) {
  for (const char* path :
       {"/images/generations", "/v1/v1/images/generations", "//v1/images/generations",
        "/v1//images/generations", "/v1/images/generations/", "/V1/Images/Generations",
        "/api/v1/images/generations", "/openai/images/generations",
        "/v1/v1/v1/images/generations"}) {
    const Error error = answer(path);
    EXPECT_EQ(error.code, ErrorCode::not_found) << path;
    EXPECT_THAT(error.message, HasSubstr(" /v1/images/generations ")) << path;
  }
  EXPECT_THAT(answer("/models").message, HasSubstr(" /v1/models "));
  EXPECT_THAT(answer("/v1/healthz").message, HasSubstr(" /healthz "));
  EXPECT_THAT(answer("/models/My%2FModel").message, HasSubstr(" /v1/models/My%2FModel "));
}

TEST(Unserved, NamesAMissingPathEvenWhenItIsMistyped) {
  EXPECT_EQ(answer("/embeddings").code, ErrorCode::unimplemented);
  EXPECT_THAT(answer("/embeddings").message, HasSubstr(" /v1/embeddings "));
}

TEST(Unserved, InventsNothingForOtherPaths) {
  for (const char* path : {"/", "/v1", "/v1/", "/favicon.ico", "/v1/nothing", "*", ""}) {
    EXPECT_EQ(answer(path).code, ErrorCode::not_found) << path;
    EXPECT_THAT(answer(path).message, Not(HasSubstr("is here"))) << path;
  }
}

}  // namespace
}  // namespace imagined::api
