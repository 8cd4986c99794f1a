#include "api/http/body_framing.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

namespace imagined::api {
namespace {

using ::testing::HasSubstr;

const Head kChunked{.chunked = true};

struct Read {
  std::string body;
  std::string rest;  // what follows the body
  bool done = false;
  int status = 0;  // of the error; 0: none
};

// Hands the bytes over in steps of `step`, as a slow connection does.
Read read(const Head& head, std::string_view bytes, std::size_t step,
          std::uint64_t bytes_max = 100) {
  BodyFraming framing(head, bytes_max);
  Read result;
  std::string held;
  while (true) {
    std::string_view input = held;
    for (auto piece = framing.next(input); !piece.empty(); piece = framing.next(input)) {
      result.body += piece;
    }
    held.erase(0, held.size() - input.size());
    if (framing.done() || framing.error() || bytes.empty()) break;
    held += bytes.substr(0, step);
    bytes.remove_prefix(std::min(step, bytes.size()));
  }
  result.rest = held + std::string(bytes);
  result.done = framing.done();
  if (framing.error()) result.status = framing.error()->status;
  return result;
}

Read read_chunked(std::string_view bytes) { return read(kChunked, bytes, 1000); }

TEST(BodyFraming, EndsAfterTheGivenLength) {
  for (const std::size_t step : {1, 3, 100}) {
    const Read result = read({.content_length = 5}, "abcdeGET /", step);
    EXPECT_TRUE(result.done);
    EXPECT_EQ(result.body, "abcde");
    EXPECT_EQ(result.rest, "GET /");
  }
}

TEST(BodyFraming, IsDoneAtOnceWithoutABody) { EXPECT_TRUE(BodyFraming(Head{}, 100).done()); }

TEST(BodyFraming, TakesChunksOutOfTheirFrameHoweverTheyArrive) {
  for (const std::size_t step : {1, 2, 7, 1000}) {
    const Read result =
        read(kChunked, "3\r\nabc\r\n00A;x=\"y\"\r\n0123456789\r\n0\r\n\r\nnext", step);
    EXPECT_TRUE(result.done) << step;
    EXPECT_EQ(result.body, "abc0123456789") << step;
    EXPECT_EQ(result.rest, "next") << step;
  }
}

TEST(BodyFraming, ReadsTrailersAway) {
  const Read result = read_chunked("1\r\na\r\n0\r\nX-Sum: 1\r\nX-B: 2\r\n\r\nnext");
  EXPECT_TRUE(result.done);
  EXPECT_EQ(result.body, "a");
  EXPECT_EQ(result.rest, "next");
}

TEST(BodyFraming, WaitsForTheRestOfWhatIsWellSoFar) {
  for (const char* text :
       {"", "3", "3;x", "3\r", "3\r\nab", "3\r\nabc\r", "0\r\n", "0\r\nX: y\r"}) {
    const Read result = read_chunked(text);
    EXPECT_FALSE(result.done) << text;
    EXPECT_EQ(result.status, 0) << text;
  }
}

TEST(BodyFraming, RefusesFramesThatTwoReadersCouldReadDifferently) {
  for (const char* text :
       {"\r\n", "-1\r\n", "+1\r\n", "0x5\r\n", " 5\r\n", "5 \r\n", "5 ;x\r\n", "g\r\n", "5\n",
        "5\r5", "12345678901234567\r\n", "1\r\nabc\r\n", "1\r\na\n", "1\r\na0\r\n\r\n",
        "0\r\nX\r\n", "0\r\nX : y\r\n", "0\r\n X: y\r\n", "0\r\nX: y\n", "5;a\tb\x01\r\n"}) {
    EXPECT_EQ(read_chunked(text).status, 400) << text;
  }
}

TEST(BodyFraming, RefusesLinesAndTrailersWithoutEnd) {
  EXPECT_EQ(read_chunked("5;" + std::string(1000, 'x')).status, 400);
  std::string trailers;
  for (int i = 0; i < 17; ++i) trailers += "X: y\r\n";
  EXPECT_EQ(read_chunked("0\r\n" + trailers).status, 400);
}

TEST(BodyFraming, RefusesMoreThanItsLimitBeforeReadingIt) {
  EXPECT_EQ(read({.content_length = 100}, "", 1, 100).status, 0);
  EXPECT_EQ(read({.content_length = 101}, "", 1, 100).status, 413);
  EXPECT_EQ(read(kChunked, "64\r\n", 1, 100).status, 0);
  EXPECT_EQ(read(kChunked, "65\r\n", 1, 100).status, 413);
  EXPECT_EQ(read(kChunked, "FFFFFFFFFFFFFFFF\r\n", 1, 100).status, 413);
  EXPECT_EQ(read(kChunked, "32\r\n" + std::string(50, 'a') + "\r\n33\r\n", 9, 100).status, 413);
}

TEST(BodyFraming, SaysWhatTheLimitIs) {
  BodyFraming framing({.content_length = 101}, 100);
  EXPECT_THAT(framing.error()->message, HasSubstr("100 bytes"));
}

}  // namespace
}  // namespace imagined::api
