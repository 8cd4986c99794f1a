// What every SessionStore promises.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>

#include "service/ports/key_store.h"
#include "service/ports/session_store.h"

namespace imagined::service {

struct SessionStoreUnderTest {
  std::shared_ptr<void> keeper;
  std::unique_ptr<SessionStore> store;
  std::shared_ptr<KeyStore> keys;  // the same audit log
};

using MakeSessionStore = std::function<SessionStoreUnderTest()>;

class SessionStoreContract : public testing::TestWithParam<MakeSessionStore> {
 protected:
  SessionStoreContract() : under_test_(GetParam()()), store_(*under_test_.store) {}

  static Login ann() { return {"ann", "ann@example.org", "$argon2id$x", 1000}; }
  static Session some(std::string hash, std::int64_t created_ms = 1000, std::string who = "ann") {
    return {std::move(hash), std::move(who), created_ms, created_ms};
  }
  static Deed deed(std::string action) {
    return {.actor = "key:ann", .action = std::move(action), .target = "key:ann"};
  }
  std::vector<std::string> actions() {
    std::vector<std::string> found;
    const auto events = *under_test_.keys->audit(0, 100);
    for (const AuditEvent& event : events) found.push_back(event.deed.action);
    return found;
  }

  SessionStoreUnderTest under_test_;
  SessionStore& store_;
};

TEST_P(SessionStoreContract, FindsALoginByNameAndByPerson) {
  ASSERT_TRUE(store_.put_login(ann(), deed("password.set")));
  EXPECT_EQ(*store_.logins_named("ann@example.org"), std::vector<Login>{ann()});
  EXPECT_EQ(*store_.login_of("ann"), ann());
  for (const char* name : {"", "Ann@example.org", "ann", "a%"})
    EXPECT_TRUE(store_.logins_named(name)->empty()) << name;
  EXPECT_EQ(store_.login_of("bob").error().code, ErrorCode::not_found);
}

TEST_P(SessionStoreContract, RefusesANameThatAnotherOfTheTeamHas) {
  const auto person = [this](const char* id, const char* team) {
    const ApiKey key{.id = id, .name = id, .team_id = team, .role = Role::member};
    EXPECT_TRUE(under_test_.keys->insert(key, deed("key.create")));
    return key;
  };
  const auto put = [this](const char* id) {
    Login login = ann();
    login.person_id = id;
    return store_.put_login(login, deed("password.set"));
  };
  const ApiKey first = person("ann", "red");
  person("bob", "red");
  person("cy", "blue");
  ASSERT_TRUE(put("ann"));
  EXPECT_EQ(put("bob").error().code, ErrorCode::already_exists);
  EXPECT_TRUE(put("ann")) << "a new password";
  EXPECT_TRUE(put("cy")) << "another team";
  EXPECT_EQ(store_.logins_named("ann@example.org")->size(), 2u);
  ApiKey gone = first;
  gone.revoked_ms = 2000;
  ASSERT_TRUE(under_test_.keys->update(first, gone, deed("key.revoke")));
  EXPECT_TRUE(put("bob")) << "who is gone has no name any more";
}

TEST_P(SessionStoreContract, ANewLoginReplacesTheOldAndEndsThePersonsSessions) {
  ASSERT_TRUE(store_.put_login(ann(), deed("password.set")));
  ASSERT_TRUE(store_.begin(some("s1"), 10, deed("session.begin")));
  ASSERT_TRUE(store_.begin(some("s2", 1000, "bob"), 10, deed("session.begin")));
  Login anna = ann();
  anna.name = "anna";
  ASSERT_TRUE(store_.put_login(anna, deed("password.set")));
  EXPECT_TRUE(store_.logins_named("ann@example.org")->empty());
  EXPECT_EQ(store_.find("s1").error().code, ErrorCode::not_found);
  EXPECT_TRUE(store_.find("s2"));
}

TEST_P(SessionStoreContract, KeepsWhenASessionWasUsed) {
  ASSERT_TRUE(store_.begin(some("s1"), 10, deed("session.begin")));
  EXPECT_EQ(*store_.find("s1"), some("s1"));
  ASSERT_TRUE(store_.note_use("s1", 5000));
  EXPECT_EQ(store_.find("s1")->used_ms, 5000);
  EXPECT_TRUE(store_.note_use("gone", 5000));
}

TEST_P(SessionStoreContract, EndsTheOldestOfTooManyAndNobodyElses) {
  ASSERT_TRUE(store_.begin(some("bobs", 1, "bob"), 2, deed("session.begin")));
  for (int i = 1; i <= 3; ++i)
    ASSERT_TRUE(store_.begin(some("s" + std::to_string(i), i * 1000), 2, deed("session.begin")));
  EXPECT_EQ(store_.find("s1").error().code, ErrorCode::not_found);
  for (const char* hash : {"s2", "s3", "bobs"}) EXPECT_TRUE(store_.find(hash)) << hash;
}

TEST_P(SessionStoreContract, TheNewSessionStaysEvenWhenTheClockHasGoneBack) {
  ASSERT_TRUE(store_.begin(some("later", 9000), 1, deed("session.begin")));
  ASSERT_TRUE(store_.begin(some("new", 1000), 1, deed("session.begin")));
  EXPECT_TRUE(store_.find("new"));
  EXPECT_FALSE(store_.find("later"));
}

TEST_P(SessionStoreContract, EndsASessionOnceAndWritesItDown) {
  ASSERT_TRUE(store_.begin(some("s1"), 10, deed("session.begin")));
  EXPECT_TRUE(*store_.end("s1", deed("session.end")));
  EXPECT_FALSE(*store_.end("s1", deed("session.end")));
  EXPECT_EQ(store_.find("s1").error().code, ErrorCode::not_found);
  EXPECT_EQ(actions(), (std::vector<std::string>{"session.begin", "session.end"}));
  EXPECT_EQ(*under_test_.keys->verify_audit(), 0);
}

TEST_P(SessionStoreContract, RemovesThoseThatAreOverAFewAtATime) {
  ASSERT_TRUE(store_.begin(some("old", 1000), 10, deed("session.begin")));
  ASSERT_TRUE(store_.note_use("old", 9000));
  ASSERT_TRUE(store_.begin(some("idle", 3000), 10, deed("session.begin")));
  ASSERT_TRUE(store_.begin(some("good", 6000), 10, deed("session.begin")));
  const SessionStore::Over over{.created_before_ms = 2000, .used_before_ms = 5000};
  EXPECT_EQ(*store_.remove_over(over, 1), 1);
  EXPECT_EQ(*store_.remove_over(over, 5), 1);
  EXPECT_EQ(*store_.remove_over(over, 5), 0);
  EXPECT_TRUE(store_.find("good"));
}

}  // namespace imagined::service
