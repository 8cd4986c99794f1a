#include "net/download.h"

#include <gmock/gmock.h>

#include "net/test_server.h"

namespace imagined::net {
namespace {

using testing::HasSubstr;
using testing::Not;

std::string sent(const std::string& status, const std::string& fields, const std::string& body) {
  return "HTTP/1.1 " + status + "\r\n" + fields + "Content-Length: " + std::to_string(body.size()) +
         "\r\nConnection: close\r\n\r\n" + body;
}

/// Keeps what comes.
struct Kept {
  std::string bytes;
  int begun = 0;
  DownloadSink sink() {
    return {.begin = [this](const DownloadHead&) -> Result<void> {
              ++begun;
              return {};
            },
            .take = [this](std::span<const std::uint8_t> piece) -> Result<void> {
              bytes.append(reinterpret_cast<const char*>(piece.data()), piece.size());
              return {};
            }};
  }
};

TEST(Downloader, AsksFromAByteOnAndGivesWhatWasSaid) {
  const TestServer server([](const std::string&) {
    return sent("206 Partial Content", "Content-Range: bytes 4-6/7\r\nX-Mark: 1\r\n", "efg");
  });
  Downloader downloader;
  Kept kept;
  const auto head =
      downloader.get({.url = server.url("/x"), .token = "secret", .from = 4}, kept.sink());
  ASSERT_TRUE(head) << head.error().message;
  EXPECT_EQ(head->status, 206);
  EXPECT_EQ(head->field("content-range"), "bytes 4-6/7");
  EXPECT_EQ(head->field("x-mark"), "1");
  EXPECT_EQ(kept.bytes, "efg");
  EXPECT_THAT(server.requests().front(), HasSubstr("Range: bytes=4-\r\n"));
  EXPECT_THAT(server.requests().front(), HasSubstr("Authorization: Bearer secret\r\n"));
}

TEST(Downloader, KeepsTheTokenFromAnotherOriginAndTheFieldsOfTheFirst) {
  const TestServer other(
      [](const std::string&) { return sent("200 OK", "ETag: \"other\"\r\n", "body"); });
  const TestServer server([&](const std::string&) {
    return sent("302 Found",
                "ETag: \"first\"\r\nX-Linked-Size: 4\r\nLocation: " + other.url("/y") + "\r\n",
                "gone");
  });
  Downloader downloader;
  Kept kept;
  const auto head = downloader.get({.url = server.url("/x"), .token = "secret"}, kept.sink());
  ASSERT_TRUE(head) << head.error().message;
  EXPECT_EQ(kept.bytes, "body");
  EXPECT_EQ(head->field("x-linked-size"), "4");
  EXPECT_EQ(head->field("etag"), "\"other\"");
  EXPECT_THAT(other.requests().front(), Not(HasSubstr("Authorization")));
}

TEST(Downloader, PassesOverTheBodyOfAnyOtherAnswer) {
  const TestServer server([](const std::string&) {
    return sent("404 Not Found", "X-Error-Code: EntryNotFound\r\n", "a page");
  });
  Downloader downloader;
  Kept kept;
  const auto head = downloader.get({.url = server.url()}, kept.sink());
  ASSERT_TRUE(head) << head.error().message;
  EXPECT_EQ(head->status, 404);
  EXPECT_EQ(head->field("x-error-code"), "EntryNotFound");
  EXPECT_EQ(kept.begun, 0);
}

TEST(Downloader, BeginsAnEmptyBodyToo) {
  const TestServer server([](const std::string&) { return sent("200 OK", "", ""); });
  Downloader downloader;
  Kept kept;
  EXPECT_TRUE(downloader.get({.url = server.url()}, kept.sink()));
  EXPECT_EQ(kept.begun, 1);
}

TEST(Downloader, TakesAShortBodyForABrokenConnection) {
  const TestServer server([](const std::string&) {
    return std::string("HTTP/1.1 200 OK\r\nContent-Length: 9\r\nConnection: close\r\n\r\nabc");
  });
  Downloader downloader;
  Kept kept;
  const auto head = downloader.get({.url = server.url()}, kept.sink());
  ASSERT_FALSE(head);
  EXPECT_EQ(head.error().code, ErrorCode::unavailable);
  EXPECT_EQ(kept.bytes, "abc");
}

TEST(Downloader, EndsWithTheErrorOfItsSink) {
  const TestServer server([](const std::string&) { return sent("200 OK", "", "abc"); });
  Downloader downloader;
  const auto head = downloader.get({.url = server.url()},
                                   {.begin = [](const DownloadHead&) { return Result<void>(); },
                                    .take = [](std::span<const std::uint8_t>) -> Result<void> {
                                      return fail(ErrorCode::storage_full, "full");
                                    }});
  ASSERT_FALSE(head);
  EXPECT_EQ(head.error().message, "full");
}

TEST(Downloader, FollowsNoCircle) {
  const TestServer server(
      [](const std::string&) { return sent("302 Found", "Location: /again\r\n", ""); });
  Downloader downloader;
  Kept kept;
  const auto head = downloader.get({.url = server.url()}, kept.sink());
  ASSERT_FALSE(head);
  EXPECT_THAT(head.error().message, HasSubstr("leads on more than 10 times"));
}

TEST(Downloader, DoesNotBeginWhenItIsStopped) {
  const TestServer server([](const std::string&) { return std::string(); });
  std::stop_source source;
  source.request_stop();
  Downloader downloader;
  Kept kept;
  const auto head = downloader.get({.url = server.url(), .stop = source.get_token()}, kept.sink());
  ASSERT_FALSE(head);
  EXPECT_EQ(head.error().code, ErrorCode::cancelled);
}

TEST(Downloader, TrustsOnlyCertificatesThatItKnows) {
  const TestCertificate certificate("localhost");
  const TestServer server([](const std::string&) { return sent("200 OK", "", "x"); }, &certificate);
  Downloader downloader;
  Kept kept;
  EXPECT_FALSE(downloader.get({.url = server.url("/", "localhost")}, kept.sink()));
  EXPECT_EQ(kept.begun, 0);
}

}  // namespace
}  // namespace imagined::net
