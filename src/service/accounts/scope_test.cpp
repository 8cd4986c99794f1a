#include "service/accounts/scope.h"

#include <gtest/gtest.h>

namespace imagined::service {
namespace {

TEST(ScopeSet, GrantsNothingUnlessTold) {
  EXPECT_FALSE(ScopeSet().has(Scope::images));
  EXPECT_TRUE(ScopeSet().add(Scope::images).has(Scope::images));
  EXPECT_FALSE(ScopeSet().add(Scope::images).has(Scope::models));
  EXPECT_TRUE(ScopeSet::all().has(Scope::models));
}

TEST(ScopeSet, ReadsWhatItWrote) {
  for (const ScopeSet& set : {ScopeSet(), ScopeSet::all(), ScopeSet().add(Scope::models),
                              ScopeSet().add(Scope::models).add(Scope::images)})
    EXPECT_EQ(ScopeSet::parse(set.text()), set) << set.text();
  EXPECT_EQ(ScopeSet().add(Scope::models).add(Scope::images).text(), "image:generate,models:read");
}

TEST(ScopeSet, AWordOfANewerProgramGrantsNothing) {
  const ScopeSet set = ScopeSet::parse("image:generate,holograms,,allx");
  EXPECT_EQ(set, ScopeSet().add(Scope::images));
}

TEST(ParseScopes, TakesWordsAndAll) {
  EXPECT_EQ(*parse_scopes("all"), ScopeSet::all());
  EXPECT_EQ(*parse_scopes("image:generate,models:read"),
            ScopeSet().add(Scope::images).add(Scope::models));
}

TEST(ParseScopes, NamesTheWrongWordAndTheRightOnes) {
  for (const char* text :
       {"", "image", "image:generate,", "image:generate, models:read", "All", "all,models:read"})
    EXPECT_EQ(parse_scopes(text).error().field, "scopes") << text;
  EXPECT_EQ(parse_scopes("models:read,keys").error().message,
            "scopes has \"keys\", expected words of: all, image:generate, models:read, image:edit, "
            "files, video:generate");
}

}  // namespace
}  // namespace imagined::service
