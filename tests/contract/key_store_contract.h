// What every KeyStore promises.
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "service/ports/key_store.h"

namespace imagined::service {

struct KeyStoreUnderTest {
  std::shared_ptr<ManualClock> clock;
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
  static Deed deed(std::string action = "key.create") {
    return {.actor = "command line", .action = std::move(action), .target = "key:abc"};
  }

  KeyStoreUnderTest under_test_;
  KeyStore& store_;
};

TEST_P(KeyStoreContract, GivesBackEveryFieldOfAKey) {
  ApiKey key = some_key("abc");
  key.last_used_ms = 2000;
  key.disabled = true;
  key.org_id = "acme";
  key.team_id = "red";
  key.scopes = ScopeSet().add(Scope::images);
  key.models = {"grok-imagine-image", "another"};
  key.allowance = {1, 2, 3, 4, 5, 6, 7};
  key.not_before_ms = 3000;
  key.expires_ms = 4000;
  key.revoked_ms = 5000;
  key.previous_hash = std::string(64, 'a');
  key.previous_until_ms = 6000;
  key.modified_ms = 7000;
  key.modified_by = "key:boss";
  key.uses_cache = true;
  key.unlabelled = true;
  key.role = Role::admin;
  key.asked = {
      .per_second = 8, .per_minute = 9, .reason = "a launch", .by = "key:a", .at_ms = 8000};
  ASSERT_TRUE(store_.insert(key, deed()));
  EXPECT_EQ(*store_.find("abc"), key);
}

TEST_P(KeyStoreContract, KeepsWhatIsNotSetApartFromZero) {
  ApiKey key = some_key("abc");
  key.allowance.per_minute = 0;
  ASSERT_TRUE(store_.insert(key, deed()));
  const auto found = store_.find("abc");
  EXPECT_EQ(found->allowance.per_minute, 0);
  EXPECT_EQ(found->allowance.per_second, std::nullopt);
}

TEST_P(KeyStoreContract, DoesNotKnowOtherSpellingsOfAnId) {
  ASSERT_TRUE(store_.insert(some_key("abc"), deed()));
  for (const char* id : {"", "ABC", "abc ", "abcd", "a%", "' OR 1=1 --"})
    EXPECT_EQ(store_.find(id).error().code, ErrorCode::not_found) << id;
}

TEST_P(KeyStoreContract, RefusesAnIdThatIsTaken) {
  ASSERT_TRUE(store_.insert(some_key("abc"), deed()));
  EXPECT_EQ(store_.insert(some_key("abc"), deed()).error().code, ErrorCode::already_exists);
  EXPECT_EQ(store_.audit(0, 10)->size(), 1u);
}

TEST_P(KeyStoreContract, TakesAFirstOwnerOnlyWhereThereIsNone) {
  ApiKey admin = some_key("admin");
  admin.role = Role::admin;
  ApiKey revoked = some_key("revoked");
  revoked.role = Role::owner;
  revoked.revoked_ms = 2000;
  ASSERT_TRUE(store_.insert(admin, deed()));
  ASSERT_TRUE(store_.insert(revoked, deed()));
  ApiKey owner = some_key("owner");
  owner.name = "boss";
  owner.role = Role::owner;
  ASSERT_TRUE(store_.insert_first_owner(owner, deed()));
  EXPECT_EQ(*store_.find("owner"), owner);
  owner.id = "second";
  EXPECT_EQ(store_.insert_first_owner(owner, deed()).error().code, ErrorCode::gone);
  EXPECT_EQ(store_.find("second").error().code, ErrorCode::not_found);
  EXPECT_EQ(store_.audit(0, 10)->size(), 3u);
}

TEST_P(KeyStoreContract, TakesOnePersonOfANameInATeam) {
  const auto insert = [this](const char* id, const char* name, const char* team,
                             std::optional<Role> role) {
    ApiKey key = some_key(id);
    key.name = name;
    key.team_id = team;
    key.role = role;
    return store_.insert(key, deed());
  };
  ASSERT_TRUE(insert("1", "bob", "red", Role::member));
  const auto taken = insert("2", "Bob", "red", Role::owner);
  ASSERT_FALSE(taken);
  EXPECT_EQ(taken.error().code, ErrorCode::already_exists);
  EXPECT_EQ(taken.error().field, "name");
  EXPECT_EQ(store_.find("2").error().code, ErrorCode::not_found);
  EXPECT_TRUE(insert("3", "bob", "blue", Role::member)) << "another team";
  EXPECT_TRUE(insert("4", "bob", "red", std::nullopt)) << "the key of a customer";
  ApiKey gone = *store_.find("1");
  gone.revoked_ms = 5000;
  ASSERT_TRUE(store_.update(*store_.find("1"), gone, deed()));
  EXPECT_TRUE(insert("5", "bob", "red", Role::member)) << "who is gone has no name any more";
}

TEST_P(KeyStoreContract, OfManyFirstOwnersTakesOne) {
  constexpr int kMany = 8;
  std::atomic<int> taken = 0;
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < kMany; ++i)
      threads.emplace_back([&, i] {
        ApiKey owner = some_key("owner" + std::to_string(i));
        owner.role = Role::owner;
        taken += store_.insert_first_owner(owner, deed()).has_value();
      });
  }
  EXPECT_EQ(taken, 1);
  EXPECT_EQ(store_.list()->size(), 1u);
}

TEST_P(KeyStoreContract, ListsTheOldestFirst) {
  ASSERT_TRUE(store_.insert(some_key("young", 2000), deed()));
  ASSERT_TRUE(store_.insert(some_key("old", 1000), deed()));
  const auto keys = store_.list();
  ASSERT_EQ(keys->size(), 2u);
  EXPECT_EQ((*keys)[0].id, "old");
  EXPECT_EQ((*keys)[1].id, "young");
}

TEST_P(KeyStoreContract, ChangesAKeyAndLeavesItsLastUseAlone) {
  const ApiKey before = some_key("abc");
  ASSERT_TRUE(store_.insert(before, deed()));
  const KeyUse uses[] = {{.id = "abc", .used_ms = 5000}};
  ASSERT_TRUE(store_.record_uses(uses));
  ApiKey after = before;
  after.disabled = true;
  ASSERT_TRUE(store_.update(before, after, deed("key.disable")));
  EXPECT_TRUE(store_.find("abc")->disabled);
  EXPECT_EQ(store_.find("abc")->last_used_ms, 5000);
}

TEST_P(KeyStoreContract, LetsNoChangeUndoAnotherThatItHasNotSeen) {
  const ApiKey before = some_key("abc");
  ASSERT_TRUE(store_.insert(before, deed()));
  ApiKey disabled = before;
  disabled.disabled = true;
  ASSERT_TRUE(store_.update(before, disabled, deed("key.disable")));
  ApiKey rotated = before;
  rotated.hash = std::string(64, '0');
  EXPECT_EQ(store_.update(before, rotated, deed("key.rotate")).error().code, ErrorCode::aborted);
  EXPECT_TRUE(store_.find("abc")->disabled);
  EXPECT_EQ(store_.audit(0, 10)->size(), 2u);
}

TEST_P(KeyStoreContract, ChangesNoKeyThatItDoesNotHave) {
  EXPECT_EQ(store_.update(some_key("abc"), some_key("abc"), deed()).error().code,
            ErrorCode::not_found);
  EXPECT_TRUE(store_.audit(0, 10)->empty());
}

TEST_P(KeyStoreContract, WritesADeedWithEachChange) {
  Deed full{.actor = "key:boss",
            .action = "key.create",
            .target = "key:abc",
            .team_id = "red",
            .detail = "name=laptop",
            .request_id = "r1"};
  ASSERT_TRUE(store_.insert(some_key("abc"), full));
  ASSERT_TRUE(store_.insert(some_key("def"), deed()));
  const auto events = *store_.audit(0, 10);
  ASSERT_EQ(events.size(), 2u);
  EXPECT_EQ(events[0].sequence, 1);
  EXPECT_EQ(events[0].at_ms, under_test_.clock->unix_ms());
  EXPECT_EQ(events[0].deed.actor, "key:boss");
  EXPECT_EQ(events[0].deed.detail, "name=laptop");
  EXPECT_EQ(events[0].deed.request_id, "r1");
  EXPECT_EQ(events[1].hash, audit_hash(events[1], events[0].hash));
  EXPECT_EQ(store_.audit(2, 10)->size(), 1u);
  EXPECT_EQ(store_.audit(0, 1)->size(), 1u);
  EXPECT_EQ(*store_.verify_audit(), 0);
}

TEST_P(KeyStoreContract, RemembersWhenKeysWereUsedLast) {
  ASSERT_TRUE(store_.insert(some_key("abc"), deed()));
  const KeyUse uses[] = {{.id = "gone", .used_ms = 1}, {.id = "abc", .used_ms = 5000}};
  ASSERT_TRUE(store_.record_uses(uses));
  EXPECT_EQ(store_.find("abc")->last_used_ms, 5000);
}

}  // namespace imagined::service
