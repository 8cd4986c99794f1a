#include "service/accounts/api_key.h"

#include <gtest/gtest.h>

namespace imagined::service {
namespace {

NewKey some_key() {
  return make_key({.name = "laptop", .pepper = "pepper"}, ManualClock(1'700'000'000'123));
}

TEST(ApiKey, HasTheDocumentedForm) {
  const NewKey key = some_key();
  EXPECT_EQ(key.secret.size(), 3u + 1 + 12 + 1 + 43 + 6);
  EXPECT_EQ(key.secret.substr(0, 17), "imk_" + key.row.id + "_");
  EXPECT_EQ(key.row.last4, key.secret.substr(key.secret.size() - 4));
  EXPECT_EQ(key.row.created_ms, 1'700'000'000'123);
}

TEST(ApiKey, IsNewEachTime) { EXPECT_NE(some_key().secret, some_key().secret); }

TEST(ApiKey, ChecksumIsThatOfTheDocument) {
  // crc32("imk_000000000000_" + 43 x "A") = 0xE2F9F6A8 by Python's zlib, in base62 49i7Bo.
  const std::string covered = "imk_000000000000_" + std::string(43, 'A');
  EXPECT_TRUE(parse_key(covered + "49i7Bo"));
}

TEST(ApiKey, ParsesToIdAndSecretWhoseHashIsStored) {
  const NewKey key = some_key();
  const auto parsed = parse_key(key.secret);
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->id, key.row.id);
  EXPECT_EQ(key_hash(parsed->secret, "pepper"), key.row.hash);
  EXPECT_NE(key_hash(parsed->secret, "other pepper"), key.row.hash);
}

TEST(ApiKey, StoresNothingOfTheSecretBeyondItsLastFour) {
  const NewKey key = some_key();
  const std::string secret = parse_key(key.secret)->secret;
  EXPECT_EQ(key.row.hash.find(secret), std::string::npos);
  EXPECT_EQ(key.row.hash.size(), 64u);
}

TEST(ApiKey, ChecksumFindsEverySingleWrongLetter) {
  const std::string right = some_key().secret;
  for (std::size_t i = 0; i < right.size(); ++i) {
    std::string wrong = right;
    wrong[i] = wrong[i] == 'a' ? 'b' : 'a';
    EXPECT_FALSE(parse_key(wrong)) << i;
  }
}

TEST(ApiKey, RefusesWhatIsNotAKeyByForm) {
  const std::string right = some_key().secret;
  const std::string cases[] = {"",
                               "imk_",
                               right.substr(0, right.size() / 2),
                               right + "a",
                               right + "\xC2\xA0",
                               "\"" + right + "\"",
                               "xai-" + right,
                               std::string(10'000, 'k'),
                               "' OR (SELECT pg_sleep(8)) IS NOT NULL --"};
  for (const std::string& text : cases)
    EXPECT_EQ(parse_key(text).error().code, ErrorCode::unauthenticated) << text;
}

TEST(ApiKey, HonoursAnotherPrefix) {
  const NewKey key = make_key({.prefix = "acme", .name = "n", .pepper = "p"}, ManualClock());
  EXPECT_TRUE(parse_key(key.secret, "acme"));
  EXPECT_FALSE(parse_key(key.secret));
}

TEST(MaskedKey, ShowsTwoLettersAtEachEnd) { EXPECT_EQ(masked_key("imk_0123456789yz"), "im***yz"); }

TEST(MaskedKey, ShowsNothingOfShortOrUnprintableKeys) {
  EXPECT_EQ(masked_key("secret7"), "***");
  EXPECT_EQ(masked_key("line\nbreak"), "***");
  EXPECT_EQ(masked_key("\x1B[31mkey-key"), "***");
}

}  // namespace
}  // namespace imagined::service
