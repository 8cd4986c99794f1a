#include <gtest/gtest.h>

#include <set>

#include "base/clock.h"
#include "base/crypto.h"
#include "base/ids.h"
#include "base/result.h"
#include "base/text.h"

namespace imagined {
namespace {

TEST(Sha256, MatchesThePublishedVector) {
  EXPECT_EQ(to_hex(sha256("abc")),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(HmacSha256, MatchesRfc4231Case2) {
  const std::string key = "Jefe";
  const auto mac =
      hmac_sha256(std::span(reinterpret_cast<const std::uint8_t*>(key.data()), key.size()),
                  "what do ya want for nothing?");
  EXPECT_EQ(to_hex(mac), "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

TEST(RandomBase62, HasTheAskedLengthAndOnlyLettersAndDigits) {
  const std::string text = random_base62(1000);
  EXPECT_EQ(text.size(), 1000u);
  for (const char c : text) EXPECT_TRUE(std::isalnum(static_cast<unsigned char>(c))) << c;
}

TEST(ToBase64Url, HasNoPaddingAndNoSlash) {
  const std::array<std::uint8_t, 4> bytes{0xff, 0xef, 0xbe, 0xff};
  EXPECT_EQ(to_base64(bytes), "/+++/w==");
  std::string text = "x";
  append_base64(bytes, text);
  EXPECT_EQ(text, "x/+++/w==");
  EXPECT_EQ(to_base64url(bytes), "_---_w");
}

TEST(FromBase64, UndoesToBase64) {
  EXPECT_EQ(*from_base64(""), "");
  EXPECT_EQ(*from_base64("b2s="), "ok");
  EXPECT_EQ(*from_base64("/+++/w=="), "\xff\xef\xbe\xff");
}

TEST(FromBase64, RefusesAnythingElse) {
  for (const char* text : {"b2s", "b2s=b2s=", "b===", "====", "b2 =", "b2s\n", "_---"})
    EXPECT_FALSE(from_base64(text)) << text;
}

TEST(MakeUuid, CarriesTheClocksMillisecondsAndTheVersion) {
  const ManualClock clock(0x0123456789ab);
  const std::string id = make_uuid(clock);
  EXPECT_EQ(id.substr(0, 15), "01234567-89ab-7");
  EXPECT_EQ(id.size(), 36u);
}

TEST(ChildUuid, IsOneForTheSameTwoAndAsOldAsItsParent) {
  const ManualClock clock(0x0123456789ab);
  const std::string parent = make_uuid(clock);
  const std::string child = child_uuid(parent, "a");
  EXPECT_TRUE(is_uuid(child)) << child;
  EXPECT_EQ(child.substr(0, 13), parent.substr(0, 13));
  EXPECT_EQ(child_uuid(parent, "a"), child);
  EXPECT_NE(child_uuid(parent, "b"), child);
  EXPECT_NE(child_uuid(make_uuid(clock), "a"), child);
}

TEST(IsUuid, KnowsTheSpellingOfOurs) {
  EXPECT_TRUE(is_uuid(make_uuid(ManualClock())));
  for (const char* other :
       {"", "01234567-89ab-7", "01234567-89ab-4def-8123-456789abcdef",
        "01234567-89AB-7def-8123-456789abcdef", "0123456789ab7def8123456789abcdef----",
        "01234567-89ab-7def-8123-456789abcdef0"})
    EXPECT_FALSE(is_uuid(other)) << other;
}

Result<int> half(int value) {
  if (value % 2 != 0) return fail(ErrorCode::invalid_argument, "odd", "value");
  return value / 2;
}
Result<int> quarter(int value) { return half(TRY(half(value))); }

TEST(Try, ReturnsTheErrorOfTheInnerCall) {
  EXPECT_EQ(*quarter(12), 3);
  EXPECT_EQ(quarter(6).error().field, "value");
}

TEST(Text, FoldsLettersOfAsciiAndNoOthers) {
  EXPECT_EQ(ascii_lower("AZaz@[`{\xC4"), "azaz@[`{\xC4");
  EXPECT_TRUE(equal_ignoring_case("Content-TYPE", "content-type"));
  EXPECT_FALSE(equal_ignoring_case("a", "ab"));
  EXPECT_FALSE(equal_ignoring_case("@", "`"));  // a bit apart, as letters are
}

TEST(Text, TrimsSpacesAndTabsAtBothEnds) {
  EXPECT_EQ(trim(" \t a b\t "), "a b");
  EXPECT_EQ(trim(" \t"), "");
  EXPECT_EQ(trim(""), "");
}

TEST(RandomSeed, IsNotTheSameEveryTime) {
  std::set<std::uint32_t> seeds;
  for (int i = 0; i < 8; ++i) seeds.insert(random_seed());
  EXPECT_GT(seeds.size(), 1u);
}

}  // namespace
}  // namespace imagined
