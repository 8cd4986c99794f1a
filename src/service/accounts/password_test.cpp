#include "service/accounts/password.h"

#include <gtest/gtest.h>

#include <string>

namespace imagined::service {
namespace {

TEST(Password, MayBeAnySentenceThatIsLongEnough) {
  for (const char* good : {"a quiet lake at dawn", "fifteen letters",
                           "\xE6\xB9\x96 \xE6\xB9\x96 "
                           "seven eight nine",
                           "UPPER and lower 7!"})
    EXPECT_TRUE(check_password(good, "ann")) << good;
}

TEST(Password, CountsCharactersAndNotBytes) {
  const std::string fourteen =
      "\xC3\xA4\xC3\xB6\xC3\xBC"
      "abcdefghij!";
  EXPECT_EQ(check_password(fourteen, "ann").error().field, "password");
  EXPECT_TRUE(check_password(fourteen + "?", "ann"));
}

TEST(Password, IsNoneOfThoseThatAreGuessedFirst) {
  for (const char* bad :
       {"aaaaaaaaaaaaaaaaaaaa", "abababababababab", "123456789012345", "passwordpassword",
        "Correct Horse Battery Staple", "QWERTYUIOPASDFG", "rosalind-rosalind-1"})
    EXPECT_EQ(check_password(bad, "rosalind").error().field, "password") << bad;
}

TEST(Password, IsNotTooLongAndWellFormed) {
  EXPECT_FALSE(check_password(std::string(kPasswordBytesMax, 'x') + "abcdefg", "ann"));
  EXPECT_FALSE(check_password("\xFF\xFE this is not UTF-8", "ann"));
}

TEST(LoginName, IsTheSameHoweverItIsTyped) {
  EXPECT_EQ(*parse_login_name("  Ann@Example.org "), "ann@example.org");
  for (const char* bad : {"", "   ", "a\nb", "\xC3"})
    EXPECT_EQ(parse_login_name(bad).error().field, "name") << bad;
  EXPECT_FALSE(parse_login_name(std::string(101, 'a')));
}

}  // namespace
}  // namespace imagined::service
