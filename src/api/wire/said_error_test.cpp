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
  for (const char* body : {"", "<html>", "\"text\"", "[]", "{}", R"({"error":null})",
                           R"({"error":{"code":7}})", R"({"error":["a"]})"})
    EXPECT_EQ(said_error_in(body), "") << body;
}

TEST(SaidError, IsCutBetweenLetters) {
  std::string text(399, 'x');
  text += "\u00e9";
  const std::string said = said_error(nlohmann::json{{"error", text}});
  EXPECT_EQ(said, std::string(399, 'x') + "...");
}

}  // namespace
}  // namespace imagined::api::wire
