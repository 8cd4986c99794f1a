#include "api/http/head.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace imagined::api {
namespace {

// 0: the head is accepted.
int status_of(const std::string& text) {
  Head head;
  const auto failure = parse_head(text, Limits{}, head);
  return failure ? failure->status : 0;
}

std::string get(const std::string& fields) {
  return "GET / HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n";
}

TEST(Head, SplitsTargetAndFields) {
  Head head;
  ASSERT_FALSE(
      parse_head("POST /a/b?c=d&e HTTP/1.1\r\nHost: h:1\r\nX-Y:  z \r\n"
                 "Content-Length: 5\r\n\r\n",
                 Limits{}, head));
  EXPECT_EQ(head.request.method, "POST");
  EXPECT_EQ(head.request.path, "/a/b");
  EXPECT_EQ(head.request.query, "c=d&e");
  EXPECT_EQ(head.request.headers.find("x-y"), "z");
  EXPECT_EQ(head.content_length, 5u);
  EXPECT_TRUE(head.keep_alive);
}

TEST(Head, KeepsAliveByVersionAndField) {
  const auto keeps = [](const std::string& text) {
    Head head;
    EXPECT_FALSE(parse_head(text, Limits{}, head));
    return head.keep_alive;
  };
  EXPECT_TRUE(keeps("GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
  EXPECT_FALSE(keeps("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"));
  EXPECT_FALSE(keeps("GET / HTTP/1.0\r\n\r\n"));
  EXPECT_TRUE(keeps("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"));
}

TEST(Head, FindsCloseInAListOverSeveralFields) {
  const auto keeps = [](const std::string& fields) {
    Head head;
    EXPECT_FALSE(parse_head(get(fields), Limits{}, head));
    return head.keep_alive;
  };
  EXPECT_FALSE(keeps("Connection: close, TE\r\n"));
  EXPECT_FALSE(keeps("Connection: TE,CLOSE\r\n"));
  EXPECT_FALSE(keeps("Connection: TE\r\nConnection: close\r\n"));
  EXPECT_FALSE(keeps("Connection: close, keep-alive\r\n"));
  EXPECT_TRUE(keeps("Connection: closed, TE\r\n"));
  EXPECT_TRUE(keeps("Connection: Upgrade, HTTP2-Settings\r\n"));
}

TEST(Head, ExpectsNothingOfHttp10) {
  Head head;
  EXPECT_FALSE(parse_head("POST / HTTP/1.0\r\nExpect: 100-continue\r\n\r\n", Limits{}, head));
  EXPECT_FALSE(head.expects_continue);
  EXPECT_FALSE(parse_head(get("Expect: 100-Continue\r\n"), Limits{}, head));
  EXPECT_TRUE(head.expects_continue);
}

TEST(Head, TakesAWholeUrlApart) {
  Head head;
  ASSERT_FALSE(parse_head("GET HTTP://b:8080/x/y?z=1 HTTP/1.1\r\nHost: a\r\n\r\n", Limits{}, head));
  EXPECT_EQ(head.request.target_authority, "b:8080");
  EXPECT_EQ(head.request.path, "/x/y");
  EXPECT_EQ(head.request.query, "z=1");
  Head bare;
  ASSERT_FALSE(parse_head("GET https://b?z HTTP/1.1\r\nHost: a\r\n\r\n", Limits{}, bare));
  EXPECT_EQ(bare.request.path, "/");
  EXPECT_EQ(bare.request.query, "z");
}

struct BadHead {
  const char* name;  // of the case in reliability.md 3.1
  std::string text;
  int status;
};

class RefusedHead : public ::testing::TestWithParam<BadHead> {};

TEST_P(RefusedHead, GetsItsStatus) { EXPECT_EQ(status_of(GetParam().text), GetParam().status); }

INSTANTIATE_TEST_SUITE_P(
    Framing, RefusedHead,
    ::testing::Values(
        BadHead{"B01LengthAndChunked", get("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"),
                400},
        BadHead{"B02TwoLengths", get("Content-Length: 5\r\nContent-Length: 6\r\n"), 400},
        BadHead{"B02EqualLengths", get("Content-Length: 5\r\nContent-Length: 5\r\n"), 400},
        BadHead{"B02LengthList", get("Content-Length: 5, 5\r\n"), 400},
        BadHead{"B03PlusSign", get("Content-Length: +5\r\n"), 400},
        BadHead{"B03Negative", get("Content-Length: -1\r\n"), 400},
        BadHead{"B03Hexadecimal", get("Content-Length: 0x10\r\n"), 400},
        BadHead{"B03VerticalTab", get("Content-Length: 5 \v\r\n"), 400},
        BadHead{"B03TooLarge", get("Content-Length: 18446744073709551616\r\n"), 400},
        BadHead{"B03Empty", get("Content-Length:\r\n"), 400},
        BadHead{"B04UnknownCoding", get("Transfer-Encoding: xchunked\r\n"), 501},
        BadHead{"B04TwiceChunked", get("Transfer-Encoding: chunked, chunked\r\n"), 501},
        BadHead{"B04Identity", get("Transfer-Encoding: identity\r\n"), 501},
        BadHead{"B04TabBeforeChunked", get("Transfer-Encoding:\tchunked\r\n"), 400},
        BadHead{"B04TabBehindALength", get("Content-Length: 5\t\r\n"), 400},
        BadHead{"B04Folded", get("Transfer-Encoding:\r\n chunked\r\n"), 400},
        BadHead{"B04Version10", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
        BadHead{"B08SpaceBeforeColon", get("Content-Length : 5\r\n"), 400},
        BadHead{"B08SpaceInName", get("X Y: 5\r\n"), 400},
        BadHead{"B08HighByteInName", get("X\xC3\xA4: 5\r\n"), 400},
        BadHead{"B08NoColon", get("abc\r\n"), 400},
        BadHead{"B09ZeroByte", get(std::string("X: a\0b\r\n", 9)), 400},
        BadHead{"B09CarriageReturn", get("X: a\rb\r\n"), 400},
        BadHead{"B09LineFeed", get("X: a\nb\r\n"), 400},
        BadHead{"B11NoHost", "GET / HTTP/1.1\r\n\r\n", 400},
        BadHead{"B11TwoHosts", get("Host: b\r\n"), 400},
        BadHead{"B11HostWithPath", "GET / HTTP/1.1\r\nHost: a/?x\r\n\r\n", 400},
        BadHead{"B11HostWithUser", "GET / HTTP/1.1\r\nHost: a@b\r\n\r\n", 400},
        BadHead{"B11EmptyHost", "GET / HTTP/1.1\r\nHost:\r\n\r\n", 400},
        BadHead{"B12OtherScheme", "GET ftp://b/ HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        BadHead{"B12UserInUrl", "GET http://u@b/ HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        BadHead{"B12UrlWithoutHost", "GET http:///x HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        BadHead{"B12UrlWithoutHostField", "GET http://b/ HTTP/1.1\r\n\r\n", 400},
        BadHead{"B12Connect", "CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        BadHead{"B12Http2Preface", "PRI * HTTP/2.0\r\n\r\n", 505},
        BadHead{"B20Version12", "GET / HTTP/1.2\r\nHost: a\r\n\r\n", 505},
        BadHead{"B20Garbage", "GET / HTTP/1.1x\r\nHost: a\r\n\r\n", 400},
        BadHead{"B20NoVersion", "GET /\r\n\r\n", 400},
        BadHead{"FragmentInTarget", "GET /#a HTTP/1.1\r\nHost: a\r\n\r\n", 400}),
    [](const auto& each) { return each.param.name; });

TEST(Head, RefusesTheFieldAfterTheLastAllowedOne) {
  std::string fields;
  for (int i = 0; i < 99; ++i) fields += "X: y\r\n";
  EXPECT_EQ(status_of(get(fields)), 0);  // 100 with Host
  EXPECT_EQ(status_of(get(fields + "X: y\r\n")), 431);
}

TEST(Head, RefusesALongRequestLine) {
  EXPECT_EQ(status_of("GET /" + std::string(8192, 'a') + " HTTP/1.1\r\nHost: a\r\n\r\n"), 414);
}

TEST(PercentDecode, RefusesBrokenEscapesAndZeroBytes) {
  EXPECT_EQ(percent_decode("a%2Fb"), "a/b");
  for (const char* text : {"%", "%2", "%zz", "%00", "a%2"})
    EXPECT_FALSE(percent_decode(text)) << text;
}

}  // namespace
}  // namespace imagined::api
