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
  EXPECT_EQ(ScopeSet().add(Scope::models).add(Scope::images).text(), "images,models");
}

TEST(ScopeSet, AWordOfANewerProgramGrantsNothing) {
  const ScopeSet set = ScopeSet::parse("images,videos,,allx");
  EXPECT_EQ(set, ScopeSet().add(Scope::images));
}

}  // namespace
}  // namespace imagined::service
