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

TEST_P(KeyStoreContract, RemembersWhenAKeyWasUsedLast) {
  ASSERT_TRUE(store_.insert(some_key("abc")));
  ASSERT_TRUE(store_.touch_last_used("abc", 5000));
  EXPECT_EQ(store_.find("abc")->last_used_ms, 5000);
}

TEST_P(KeyStoreContract, DoesNotMindAKeyThatIsGoneWhenItIsTouched) {
  EXPECT_TRUE(store_.touch_last_used("gone", 5000));
}

}  // namespace imagined::service
