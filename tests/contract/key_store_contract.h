// What every KeyStore promises.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>

#include "service/ports/key_store.h"

namespace imagined::service {

struct KeyStoreUnderTest {
  std::shared_ptr<void> keeper;
  std::unique_ptr<KeyStore> store;
};

using MakeKeyStore = std::function<KeyStoreUnderTest()>;

class KeyStoreContract : public testing::TestWithParam<MakeKeyStore> {
 protected:
  KeyStoreContract() : under_test_(GetParam()()), store_(*under_test_.store) {}

  static ApiKey some_key(std::string id, std::int64_t created_ms = 1000) {
    return {.id = std::move(id),
            .name = "laptop \xF0\x9F\x92\xBB",
            .hash = std::string(64, 'f'),
            .last4 = "wxyz",
            .created_ms = created_ms};
  }

  KeyStoreUnderTest under_test_;
  KeyStore& store_;
};

TEST_P(KeyStoreContract, GivesBackEveryFieldOfAKey) {
  ApiKey key = some_key("abc");
  key.last_used_ms = 2000;
  key.disabled = true;
  key.org_id = "org";
  key.team_id = "team";
  key.scopes = ScopeSet().add(Scope::images);
  ASSERT_TRUE(store_.insert(key));
  const auto found = store_.find("abc");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->id, "abc");
  EXPECT_EQ(found->name, key.name);
  EXPECT_EQ(found->hash, key.hash);
  EXPECT_EQ(found->last4, "wxyz");
  EXPECT_EQ(found->created_ms, 1000);
  EXPECT_EQ(found->last_used_ms, 2000);
  EXPECT_TRUE(found->disabled);
  EXPECT_EQ(found->org_id, "org");
  EXPECT_EQ(found->team_id, "team");
  EXPECT_EQ(found->scopes, key.scopes);
}

TEST_P(KeyStoreContract, DoesNotKnowOtherSpellingsOfAnId) {
  ASSERT_TRUE(store_.insert(some_key("abc")));
  for (const char* id : {"", "ABC", "abc ", "abcd", "a%", "' OR 1=1 --"})
    EXPECT_EQ(store_.find(id).error().code, ErrorCode::not_found) << id;
}

TEST_P(KeyStoreContract, RefusesAnIdThatIsTaken) {
  ASSERT_TRUE(store_.insert(some_key("abc")));
  EXPECT_EQ(store_.insert(some_key("abc")).error().code, ErrorCode::already_exists);
}

TEST_P(KeyStoreContract, ListsTheOldestFirst) {
  ASSERT_TRUE(store_.insert(some_key("young", 2000)));
  ASSERT_TRUE(store_.insert(some_key("old", 1000)));
  const auto keys = store_.list();
  ASSERT_EQ(keys->size(), 2u);
  EXPECT_EQ((*keys)[0].id, "old");
  EXPECT_EQ((*keys)[1].id, "young");
}

TEST_P(KeyStoreContract, ForgetsARemovedKey) {
  ASSERT_TRUE(store_.insert(some_key("abc")));
  ASSERT_TRUE(store_.remove("abc"));
  EXPECT_EQ(store_.find("abc").error().code, ErrorCode::not_found);
  EXPECT_EQ(store_.remove("abc").error().code, ErrorCode::not_found);
  EXPECT_TRUE(store_.list()->empty());
}

TEST_P(KeyStoreContract, RemembersWhenKeysWereUsedLast) {
  ASSERT_TRUE(store_.insert(some_key("abc")));
  ASSERT_TRUE(store_.insert(some_key("def")));
  const KeyUse uses[] = {{.id = "abc", .used_ms = 5000},
                         {.id = "gone", .used_ms = 6000},
                         {.id = "def", .used_ms = 7000}};
  ASSERT_TRUE(store_.record_uses(uses));
  EXPECT_EQ(store_.find("abc")->last_used_ms, 5000);
  EXPECT_EQ(store_.find("def")->last_used_ms, 7000);
}

}  // namespace imagined::service
