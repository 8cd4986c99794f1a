#include "api/wire/said_error.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace imagined::api::wire {
namespace {

TEST(SaidError, IsFoundInEveryFormThatServersHave) {
  for (const char* body :
       {R"({"error":{"message":"too long","code":"x"}})", R"({"code":"x","error":"too long"})",
        R"({"message":"too long"})", R"({"detail":"too long"})",
        R"({"type":"response.failed","response":{"error":{"message":"too long"}}})",
        R"({"error":{"message":"too\nlong "}})"})
    EXPECT_EQ(said_error_in(body), "too long") << body;
}

TEST(SaidError, IsNothingWhereNothingIsSaid) {
  for (const char* body : {"", "<html>", "<html><style>", "7", "\"text\"", "[]", "{}",
                           R"({"error":null})", R"({"error":{"code":7}})", R"({"error":["a"]})"})
    EXPECT_EQ(said_error_in(body), "") << body;
}

TEST(SaidError, IsTheTitleOrTheFirstLineOfAPage) {
  for (const char* page :
       {"<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body><h1>no</h1></body></html>",
        "<!DOCTYPE html><HTML><TITLE lang=\"en\">\n502 Bad Gateway\n</TITLE>",
        "<html><body><center><h1>502 Bad Gateway</h1></center><hr></body></html>",
        "<html><title></title><body>\n <p>502 Bad Gateway</p>\nmore", "\r\n502 Bad Gateway\nmore",
        "502 Bad Gateway"})
    EXPECT_EQ(said_error_in(page), "502 Bad Gateway") << page;
  EXPECT_EQ(said_error_in(std::string(100'000, 'x')), std::string(400, 'x') + "...");
  EXPECT_EQ(said_error_in("no \xff"), "no \uFFFD");
}

TEST(SaidError, IsFoundInAnAnswerThatIsNone) {
  for (const char* body :
       {R"({"error":{"message":"no room"}})", R"({"error" : "no room","choices":[]})",
        R"({"choices":[{"error":null}],"error":{"message":"no room"},"usage":{}})"}) {
    EXPECT_TRUE(may_tell_an_error(body)) << body;
    const auto error = error_instead_of_answer(std::string_view(body));
    ASSERT_TRUE(error) << body;
    EXPECT_EQ(error->message, "the server that has the model says: no room");
    EXPECT_EQ(error->code, ErrorCode::unavailable);
    EXPECT_EQ(error->retry, Retry::no);
  }
  for (const char* answer :
       {R"({"error":false})", R"({"error":""})", R"({"choices":[{"error":"x"}]})", "[\"error\"]",
        R"({"object":"response","error":{"message":"no room"}})", R"({"error":)"})
    EXPECT_FALSE(error_instead_of_answer(std::string_view(answer))) << answer;
}

TEST(SaidError, IsNotLookedForWhereNoneCanBe) {
  for (const char* body : {R"({"choices":[]})", R"({"error":null})", R"({"error" :  null})",
                           R"({"text":"an \"error\": x"})", R"(["error"])"})
    EXPECT_FALSE(may_tell_an_error(body)) << body;
}

TEST(SaidError, IsCutBetweenLetters) {
  std::string text(399, 'x');
  text += "\u00e9";
  const std::string said = said_error(nlohmann::json{{"error", text}});
  EXPECT_EQ(said, std::string(399, 'x') + "...");
}

}  // namespace
}  // namespace imagined::api::wire
