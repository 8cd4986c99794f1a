#include "api/http/partial.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <variant>
#include <vector>

namespace imagined::api {
namespace {

using Fields = std::vector<std::pair<std::string, std::string>>;

// The reply to a request with these fields for the file "0123456789" with the etag "e".
Response reply_to(const Fields& fields, const std::string& method = "GET") {
  Request request;
  request.method = method;
  for (const auto& [name, value] : fields) request.headers.add(name, value);
  Response whole;
  const std::string text = "0123456789";
  whole.body = std::make_shared<const std::vector<std::uint8_t>>(text.begin(), text.end());
  whole.headers.add("etag", "\"e\"");
  answer_conditions(request, whole);
  return whole;
}

std::string text_of(const Response& reply) {
  if (const auto* text = std::get_if<std::string>(&reply.body)) return *text;
  const auto& bytes = *std::get<SharedBytes>(reply.body);
  return {bytes.begin(), bytes.end()};
}

TEST(Partial, GivesTheWholeUnlessAskedForAPart) {
  const Response whole = reply_to({});
  EXPECT_EQ(whole.status, 200);
  EXPECT_EQ(text_of(whole), "0123456789");
  EXPECT_EQ(whole.headers.find("accept-ranges"), "bytes");
}

TEST(Partial, GivesOneRange) {
  struct Row {
    const char* range;
    const char* text;
    const char* content_range;
  };
  for (const Row& row :
       {Row{"bytes=0-3", "0123", "bytes 0-3/10"}, Row{"bytes=7-", "789", "bytes 7-9/10"},
        Row{"bytes=-2", "89", "bytes 8-9/10"}, Row{"bytes=-99", "0123456789", "bytes 0-9/10"},
        Row{"Bytes=9-99", "9", "bytes 9-9/10"}}) {
    const Response part = reply_to({{"range", row.range}});
    EXPECT_EQ(part.status, 206) << row.range;
    EXPECT_EQ(text_of(part), row.text) << row.range;
    EXPECT_EQ(part.headers.find("content-range"), row.content_range);
  }
}

TEST(Partial, SaysThatARangeIsBehindTheEnd) {
  for (const char* range : {"bytes=10-", "bytes=11-", "bytes=99-", "bytes=10-20", "bytes=-0"}) {
    const Response none = reply_to({{"range", range}});
    EXPECT_EQ(none.status, 416) << range;
    EXPECT_EQ(none.headers.find("content-range"), "bytes */10");
    EXPECT_EQ(text_of(none), "");
  }
}

TEST(Partial, GivesTheWholeForWhatIsNoRangeOfBytes) {
  for (const char* range : {"", "bytes=", "bytes=a-b", "bytes=5-4", "bytes=0-1,3-4", "lines=0-1",
                            "bytes=-", "bytes=99999999999999999999-", "0-3"}) {
    EXPECT_EQ(reply_to({{"range", range}}).status, 200) << range;
  }
  EXPECT_EQ(reply_to({{"range", "bytes=0-3"}}, "HEAD").status, 200);
}

TEST(Partial, GivesARangeOfTheFileThatTheClientMeans) {
  EXPECT_EQ(reply_to({{"range", "bytes=0-3"}, {"if-range", "\"e\""}}).status, 206);
  EXPECT_EQ(reply_to({{"range", "bytes=0-3"}, {"if-range", "\"f\""}}).status, 200);
  EXPECT_EQ(reply_to({{"range", "bytes=0-3"}, {"if-range", "W/\"e\""}}).status, 200);
}

TEST(Partial, SendsNothingThatTheClientHas) {
  for (const char* etags : {"\"e\"", "W/\"e\"", "\"a\", \"e\"", "*"}) {
    for (const char* method : {"GET", "HEAD"}) {
      const Response none = reply_to({{"if-none-match", etags}, {"range", "bytes=0-3"}}, method);
      EXPECT_EQ(none.status, 304) << etags;
      EXPECT_EQ(text_of(none), "");
      EXPECT_EQ(none.headers.find("etag"), "\"e\"");
    }
  }
  for (const char* etags : {"", "\"a\"", "e", "\"a\","})
    EXPECT_EQ(reply_to({{"if-none-match", etags}}).status, 200) << etags;
}

}  // namespace
}  // namespace imagined::api
