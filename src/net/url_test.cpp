#include "net/url.h"

#include <gtest/gtest.h>

#include <string>

namespace imagined::net {
namespace {

std::string read(std::string_view text) {
  const auto url = parse_url(text);
  return url ? url->text() : "refused: " + url.error().message;
}

TEST(Url, IsReadAndWrittenWithoutInterpretation) {
  EXPECT_EQ(read("https://example.org"), "https://example.org:443/");
  EXPECT_EQ(read("HTTP://Example.ORG/A.png?x=1#top"), "http://example.org:80/A.png?x=1");
  EXPECT_EQ(read("https://ok.example#@10.0.0.1"), "https://ok.example:443/");
  EXPECT_EQ(read("https://a_b-c.example:8443?x"), "https://a_b-c.example:8443/?x");
  EXPECT_EQ(read("http://[2606:4700::1]:81/a"), "http://[2606:4700::1]:81/a");
  EXPECT_EQ(read("http://8.8.8.8/%20"), "http://8.8.8.8:80/%20");
  EXPECT_TRUE(parse_url("http://[::ffff:10.0.0.1]/")->address->is_v4());
}

TEST(Url, IsRefusedWhereReadersDisagree) {
  for (const char* text : {"",
                           "file:///etc/passwd",
                           "ftp://example.org/",
                           "gopher://example.org/",
                           "//example.org/x",
                           "https:example.org",
                           "https:/example.org",
                           "HTTPS:\\\\example.org",
                           "https://",
                           "https:///x",
                           "https://a@127.0.0.1/",
                           "https://a:b@example.org/",
                           "https://ok.example\\@10.0.0.1/",
                           "https://exa mple.org/",
                           "https://exa\tmple.org/",
                           "https://example.org/\r\nx",
                           "https://%31%32%37.0.0.1/",
                           "https://\xEF\xBC\x91.0.0.1/",
                           "https://example\xE3\x80\x82org/",
                           "https://example.org./",
                           "https://.example.org/",
                           "https://a..b/",
                           "https://127.1/",
                           "https://2130706433/",
                           "https://0x7f.1/",
                           "https://0177.0.0.1/",
                           "https://0x7f000001/",
                           "https://1.2.3.4.5/",
                           "https://example.0x1/",
                           "https://example.org:/",
                           "https://example.org:0/",
                           "https://example.org:65536/",
                           "https://example.org:8a/",
                           "https://[::1",
                           "https://[::1]x/",
                           "https://[::1%25lo]/",
                           "https://[1.2.3.4]/",
                           "https://::1/",
                           "https://example.org:80:80/"})
    EXPECT_EQ(read(text).substr(0, 8), "refused:") << text;
  EXPECT_EQ(read("https://" + std::string(300, 'a') + "/").substr(0, 8), "refused:");
  EXPECT_EQ(read("https://" + std::string(64, 'a') + ".org/").substr(0, 8), "refused:");
  EXPECT_EQ(read("https://a.org/" + std::string(20'000, 'a')),
            "refused: the URL has 20014 bytes, at most 4096 are allowed");
}

TEST(Redirect, LeadsWhereABrowserWouldGo) {
  const Url base = *parse_url("https://a.example:444/x/y?q=1");
  const auto leads = [&](std::string_view location) {
    const auto url = parse_redirect(base, location);
    return url ? url->text() : "refused";
  };
  EXPECT_EQ(leads("/z"), "https://a.example:444/z");
  EXPECT_EQ(leads("z?r=http://b/"), "https://a.example:444/x/z?r=http://b/");
  EXPECT_EQ(leads("?r"), "https://a.example:444/x/y?r");
  EXPECT_EQ(leads("//b.example/z"), "https://b.example:443/z");
  EXPECT_EQ(leads("http://127.0.0.1/"), "http://127.0.0.1:80/");
  EXPECT_EQ(leads("file:///etc/passwd"), "refused");
  EXPECT_EQ(leads("javascript:1"), "refused");
  EXPECT_EQ(leads("\\\\b.example\\"), "refused");
}

}  // namespace
}  // namespace imagined::net
