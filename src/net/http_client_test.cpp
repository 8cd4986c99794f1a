#include "net/http_client.h"

#include <gmock/gmock.h>

#include "net/test_server.h"

namespace imagined::net {
namespace {

using testing::HasSubstr;

std::string answer_of(const std::string& body, const std::string& status = "200 OK") {
  return "HTTP/1.1 " + status + "\r\nContent-Length: " + std::to_string(body.size()) +
         "\r\nConnection: close\r\n\r\n" + body;
}

TEST(HttpClient, PostsABodyWithHeadersAndGivesTheAnswer) {
  const TestServer server([](const std::string&) { return answer_of("yes", "201 Created"); });
  HttpClient client;
  const auto answer =
      client.post({.url = server.url("/v1/x"), .headers = {"x-mark: 7"}, .body = "{\"a\":1}"});
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 201);
  EXPECT_EQ(answer->body, "yes");
  EXPECT_THAT(server.requests().front(), HasSubstr("POST /v1/x HTTP/1.1\r\n"));
  EXPECT_THAT(server.requests().front(), HasSubstr("x-mark: 7\r\n"));
  EXPECT_THAT(server.requests().front(), HasSubstr("Content-Length: 7\r\n"));
}

TEST(HttpClient, WaitsNoLongerThanItsTimeout) {
  const TestServer server([](const std::string&) { return std::string(); });
  HttpClient client;
  const auto answer = client.post({.url = server.url(), .timeout = std::chrono::milliseconds(20)});
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, ErrorCode::unavailable);
}

TEST(HttpClient, FollowsNoRedirect) {
  const TestServer server([](const std::string&) {
    return std::string(
        "HTTP/1.1 302 Found\r\nLocation: /other\r\nContent-Length: 0\r\n"
        "Connection: close\r\n\r\n");
  });
  HttpClient client;
  EXPECT_EQ(client.post({.url = server.url()})->status, 302);
  EXPECT_EQ(server.requests().size(), 1u);
}

TEST(HttpClient, RefusesALongerAnswerAndAnotherProtocol) {
  const TestServer server([](const std::string&) { return answer_of("12345"); });
  HttpClient client;
  EXPECT_FALSE(client.post({.url = server.url(), .answer_bytes_max = 4}));
  EXPECT_TRUE(client.post({.url = server.url(), .answer_bytes_max = 5}));
  EXPECT_FALSE(client.post({.url = "file:///etc/hostname"}));
}

TEST(HttpClient, TrustsOnlyCertificatesThatItKnows) {
  const TestCertificate certificate("localhost");
  const TestServer server([](const std::string&) { return answer_of("yes"); }, &certificate);
  HttpClient client;
  EXPECT_FALSE(client.post({.url = server.url("/", "localhost")}));
}

}  // namespace
}  // namespace imagined::net
