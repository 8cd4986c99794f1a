#include "base/password_hash.h"

#include <gtest/gtest.h>

#include <array>

namespace imagined {
namespace {

constexpr PasswordCost kCheap{.passes = 1, .memory_kib = 8};

TEST(PasswordHash, KnowsItsOwnPasswordAndNoOther) {
  const std::string hash = *hash_password("a quiet lake at dawn", kCheap);
  EXPECT_TRUE(*is_password(hash, "a quiet lake at dawn"));
  for (const char* other : {"", "a quiet lake at daw", "A quiet lake at dawn"})
    EXPECT_FALSE(*is_password(hash, other)) << other;
}

TEST(PasswordHash, SaltsEachPasswordByItself) {
  EXPECT_NE(*hash_password("the same for two", kCheap), *hash_password("the same for two", kCheap));
}

TEST(PasswordHash, NamesArgon2idAndWhatItCosts) {
  EXPECT_TRUE(hash_password("x")->starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
}

// Of the reference implementation's own tests: `argon2 somesalt -id -t 2 -m 8 -p 1`.
TEST(PasswordHash, ReadsHashesOfOtherPrograms) {
  const std::string hash =
      "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4";
  EXPECT_TRUE(*is_password(hash, "password"));
  EXPECT_FALSE(*is_password(hash, "differentpassword"));
}

TEST(PasswordHash, SaysThatATextIsNoHash) {
  for (const char* text : {"", "password", "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHQ"})
    EXPECT_EQ(is_password(text, "password").error().code, ErrorCode::data_loss) << text;
}

TEST(PasswordHash, IsComparedByOneLookWithWhatHasTheSameSalt) {
  constexpr std::array<std::uint8_t, kSaltBytes> kSalt = {1, 2, 3};
  const std::string hash = *hash_password("a quiet lake", kCheap, kSalt);
  EXPECT_EQ(hash, *hash_password("a quiet lake", kCheap, kSalt));
  EXPECT_TRUE(*is_password(hash, "a quiet lake"));
  EXPECT_TRUE(same_salt(hash, *hash_password("another lake", kCheap, kSalt)));
  EXPECT_FALSE(same_salt(hash, *hash_password("a quiet lake", kCheap)));
  EXPECT_FALSE(same_salt("", ""));
}

}  // namespace
}  // namespace imagined
