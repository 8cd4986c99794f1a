#include "service/links/signed_url.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "base/crypto.h"
#include "service/links/links.h"

namespace imagined::service {
namespace {

const std::string kSecret(32, 's');
constexpr std::string_view kId = "0123456789ABCDEFGHijkl";
constexpr std::int64_t kExpires = 1'700'003'600;

struct Parts {
  std::string path;
  std::string query;
};

Parts signed_link(const std::string& secret = kSecret) {
  const std::string link = UrlSigner(secret).sign({kId, FileFormat::png, kExpires});
  const std::size_t mark = link.find('?');
  return {link.substr(0, mark), link.substr(mark + 1)};
}

Result<LinkedPicture> verify(const Parts& parts, std::int64_t now = kExpires - 1) {
  return UrlSigner(kSecret).verify(parts.path, parts.query, now);
}

TEST(SignedUrl, GivesBackThePictureUntilItExpires) {
  EXPECT_EQ(verify(signed_link())->id(), kId);
  EXPECT_EQ(verify(signed_link(), kExpires).error().message, "this link has expired");
}

TEST(SignedUrl, HasTheDocumentedForm) {
  EXPECT_EQ(signed_link().path, "/v1/files/img/0123456789ABCDEFGHijkl.png");
  EXPECT_TRUE(signed_link().query.starts_with("e=1700003600&k=")) << signed_link().query;
}

TEST(SignedUrl, MacIsHmacSha256OverTheDocumentedText) {
  // Python: base64.urlsafe_b64encode(hmac.digest(b"s"*32, TEXT, "sha256")) with TEXT
  // b"v1\nGET\n/v1/files/img/0123456789ABCDEFGHijkl.png\n1700003600\n"
  EXPECT_EQ(signed_link().query.substr(signed_link().query.rfind('=') + 1),
            "vzMe3amtfOYqrXQlJ6wAkHuj8S2udBRons44TN9vFB0");
}

TEST(SignedUrl, EveryChangedLetterIsFound) {
  const Parts right = signed_link();
  for (std::size_t i = 0; i < right.path.size(); ++i)
    for (int bit = 0; bit < 8; ++bit) {
      Parts wrong = right;
      wrong.path[i] = static_cast<char>(wrong.path[i] ^ (1 << bit));
      EXPECT_FALSE(verify(wrong)) << "path " << i << " bit " << bit;
    }
  for (std::size_t i = 0; i < right.query.size(); ++i)
    for (int bit = 0; bit < 8; ++bit) {
      Parts wrong = right;
      wrong.query[i] = static_cast<char>(wrong.query[i] ^ (1 << bit));
      EXPECT_FALSE(verify(wrong)) << "query " << i << " bit " << bit;
    }
}

// Whether a link says what the right one does, in whatever order and company.
bool says_the_same(const Parts& link, const Parts& right) {
  if (link.path != right.path) return false;
  const auto signed_pairs = [](std::string_view query) {
    std::vector<std::string_view> pairs;
    while (!query.empty()) {
      const std::string_view pair = query.substr(0, query.find('&'));
      query.remove_prefix(std::min(pair.size() + 1, query.size()));
      const std::string_view name = pair.substr(0, pair.find('='));
      if (name == "e" || name == "k" || name == "s") pairs.push_back(pair);
    }
    std::ranges::sort(pairs);
    return pairs;
  };
  return signed_pairs(link.query) == signed_pairs(right.query);
}

// reliability.md S10: `--gtest_repeat=10` is a million.
TEST(SignedUrl, IsNotForgedByMutation) {
  constexpr int kMutations = 100'000;
  const std::string right = UrlSigner(kSecret).sign({kId, FileFormat::png, kExpires});
  std::mt19937 random(std::random_device{}());
  const auto any = [&random](std::size_t count) { return random() % count; };
  const auto mutate = [&](std::string& link) {
    const std::size_t at = any(link.size());
    const std::size_t length = 1 + any(std::min<std::size_t>(8, link.size() - at));
    switch (any(7)) {
      case 0:  // a bit
        link[at] = static_cast<char>(link[at] ^ (1 << any(8)));
        return;
      case 1:  // another letter of the alphabet
        link[at] = kBase62[any(kBase62.size())];
        return;
      case 2:  // a piece is lost
        link.erase(at, length);
        return;
      case 3:  // or comes twice
        link.insert(at, link.substr(at, length));
        return;
      case 4:  // capitals
        link[at] = static_cast<char>(link[at] ^ ('a' ^ 'A'));
        return;
      case 5:  // spelled with percent signs
        link.replace(at, 1, fmt::format("%{:02X}", static_cast<unsigned char>(link[at])));
        return;
      default:  // another order
        std::rotate(link.begin(), link.begin() + static_cast<std::ptrdiff_t>(at), link.end());
    }
  };
  for (int i = 0; i < kMutations && !HasFailure(); ++i) {
    std::string link = right;
    for (std::size_t changes = 1 + any(3); changes > 0 && !link.empty(); --changes) mutate(link);
    const std::size_t mark = std::min(link.find('?'), link.size());
    const Parts parts{link.substr(0, mark), link.substr(std::min(mark + 1, link.size()))};
    const auto opened = verify(parts);
    EXPECT_EQ(opened.has_value(), says_the_same(parts, signed_link())) << link;
  }
}

TEST(SignedUrl, OtherSpellingsAreRefused) {
  const Parts right = signed_link();
  const std::string e = right.query.substr(0, right.query.find('&'));
  const std::string rest = right.query.substr(right.query.find('&') + 1);
  const std::string cases[] = {"",
                               e,
                               right.query + "&" + e,
                               e + "&" + right.query,
                               right.query + "&s",
                               right.query + "=",
                               right.query.substr(0, right.query.size() - 1),
                               right.query.substr(0, right.query.rfind('=') + 1),
                               fmt::format("E{}", right.query.substr(1)),
                               fmt::format("e=0{}", right.query.substr(2)),
                               fmt::format("e=+{}", right.query.substr(2))};
  for (const std::string& query : cases) {
    const auto verified = verify({right.path, query});
    ASSERT_FALSE(verified) << query;
    EXPECT_EQ(verified.error().code, ErrorCode::permission_denied);
  }
}

TEST(SignedUrl, WhatIsAddedOnTheWayAndAnotherOrderChangeNothing) {
  const Parts right = signed_link();
  const std::string e = right.query.substr(0, right.query.find('&'));
  const std::string rest = right.query.substr(right.query.find('&') + 1);
  for (const std::string& query :
       {right.query + "&utm_source=x", "fbclid=1&" + right.query, e + "&api-version&=&" + rest,
        right.query + "&", rest + "&" + e, right.query + "&S=1&e%3D=1"})
    EXPECT_EQ(verify({right.path, query})->id(), kId) << query;
}

TEST(SignedUrl, OtherPathsAreRefused) {
  const std::string query = signed_link().query;
  for (const char* path :
       {"", "/v1/files/img/", "/v1/files/img/0123456789ABCDEFGHijkl.jpg",
        "/v1/files/img/./0123456789ABCDEFGHijkl.png", "/V1/files/img/0123456789ABCDEFGHijkl.png",
        "//v1/files/img/0123456789ABCDEFGHijkl.png"})
    EXPECT_FALSE(verify({path, query})) << path;
}

TEST(SignedUrl, AnotherSecretDoesNotVerify) {
  EXPECT_FALSE(verify(signed_link(std::string(32, 't'))));
}

TEST(Links, OpensWhatItMadeUntilItExpires) {
  ManualClock clock;
  const Links links(UrlSigner(kSecret), clock, 60);
  const std::string url =
      links.url_of({.id = std::string(kId), .format = FileFormat::jpeg}, "https://a.example/x");
  const std::string base = "https://a.example/x";
  ASSERT_TRUE(url.starts_with(base + "/v1/files/img/0123456789ABCDEFGHijkl.jpg?e=")) << url;
  const std::string path = url.substr(base.size(), url.find('?') - base.size());
  const std::string query = url.substr(url.find('?') + 1);
  clock.advance_ms(59'999);
  EXPECT_EQ(links.open(path, query)->id(), kId);
  clock.advance_ms(1);
  EXPECT_EQ(links.open(path, query).error().message, "this link has expired");
}

}  // namespace
}  // namespace imagined::service
