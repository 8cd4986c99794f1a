#include "service/accounts/key_desk.h"

#include <fmt/core.h>
#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "storage/memory/memory_key_store.h"

namespace imagined::service {
namespace {

class KeyDeskTest : public testing::Test {
 protected:
  /// A person of a team, as its key says.
  Caller person(Role role, const std::string& team = "red") {
    const NewKey key =
        *keys_.create({.name = "command line"}, {.name = fmt::format("person {}", ++people_)},
                      {.org_id = "acme", .team_id = team, .role = role});
    return *keys_.authenticate("Bearer " + key.secret);
  }
  std::string make(const Caller& caller) {
    return desk_.create({caller, "r1"}, {.name = "app"})->row.id;
  }
  static Result<KeyWish> renamed(KeyWish wish) {
    wish.name = "new";
    return wish;
  }

  int people_ = 0;
  ManualClock clock_;
  storage::MemoryKeyStore store_{clock_};
  KeyService keys_{store_, clock_, {.pepper = "pepper"}};
  KeyDesk desk_{keys_, store_};
};

TEST_F(KeyDeskTest, MakesKeysOfThePersonsTeam) {
  const NewKey key = *desk_.create({person(Role::admin), "r1"}, {.name = "app"});
  const Caller customer = *keys_.authenticate("Bearer " + key.secret);
  EXPECT_EQ(customer.owner.team_id, "red");
  EXPECT_EQ(customer.owner.org_id, "acme");
  EXPECT_TRUE(require(customer, Scope::images));
}

TEST_F(KeyDeskTest, GivesAPersonNoScopeOfACustomerAndACustomerNoRole) {
  const Caller boss = person(Role::owner);
  EXPECT_FALSE(require(boss, Scope::images));
  const NewKey key = *desk_.create({boss, "r1"}, {.name = "app"});
  const Caller customer = *keys_.authenticate("Bearer " + key.secret);
  const auto refused = desk_.list({customer, "r1"});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().reason, ErrorReason::wrong_scope);
  EXPECT_EQ(refused.error().message,
            "This API key is not allowed to do this: it is not the management key of a member or "
            "above.");
}

TEST_F(KeyDeskTest, LetsEachRoleDoWhatIsItsOwn) {
  const std::string id = make(person(Role::admin));
  struct Verb {
    Role from;
    std::function<Result<void>(const Caller&)> does;
  };
  const auto done = [](const auto& result) {
    return result ? Result<void>() : Result<void>(tl::unexpected(result.error()));
  };
  const std::vector<Verb> verbs = {
      {Role::member,
       [&](const Caller& who) {
         return done(desk_.list({who, "r"}));
       }},
      {Role::member,
       [&](const Caller& who) {
         return done(desk_.show({who, "r"}, id));
       }},
      {Role::member,
       [&](const Caller& who) {
         return done(desk_.own({who, "r"}));
       }},
      {Role::member,
       [&](const Caller& who) {
         return done(desk_.people({who, "r"}));
       }},
      {Role::member,
       [&](const Caller& who) {
         return done(desk_.ask_capacity({who, "r"}, id, {.per_minute = 600}));
       }},
      {Role::owner,
       [&](const Caller& who) {
         return done(desk_.add_person({who, "r"}, "bo", Role::member));
       }},
      {Role::admin,
       [&](const Caller& who) {
         return done(desk_.create({who, "r"}, {.name = "n"}));
       }},
      {Role::admin,
       [&](const Caller& who) {
         return done(desk_.change({who, "r"}, id, renamed));
       }},
      {Role::admin,
       [&](const Caller& who) {
         return done(desk_.rotate({who, "r"}, id, 0));
       }},
      {Role::owner,
       [&](const Caller& who) {
         return done(desk_.audit({who, "r"}, 0, 10));
       }},
      {Role::admin,
       [&](const Caller& who) {
         return desk_.revoke({who, "r"}, id);
       }},
  };
  for (const Role role : {Role::member, Role::admin, Role::owner}) {
    const Caller who = person(role);
    for (std::size_t i = 0; i + 1 < verbs.size(); ++i)
      EXPECT_EQ(verbs[i].does(who).has_value(), role >= verbs[i].from) << to_string(role) << i;
  }
  EXPECT_FALSE(verbs.back().does(person(Role::member)));
  EXPECT_TRUE(verbs.back().does(person(Role::admin)));
}

// Whoever it is, and whatever is wished: never more than the maker has, never for another team.
TEST_F(KeyDeskTest, MakesNothingThatMayMoreThanItsMaker) {
  std::mt19937 random(11);
  const auto below = [&random](int count) {
    return static_cast<int>(random() % static_cast<unsigned>(count));
  };
  const Role roles[] = {Role::member, Role::admin, Role::owner};
  std::vector<Caller> makers;
  for (const Role role : roles) makers.push_back(person(role));
  for (const char* scopes : {"all", "image:generate", "files,models:read", "video:generate"}) {
    const NewKey key =
        *keys_.create({.name = "command line"}, {.name = "app", .scopes = *parse_scopes(scopes)},
                      {.org_id = "acme", .team_id = "red"});
    makers.push_back(*keys_.authenticate("Bearer " + key.secret));
  }
  int made = 0;
  for (int i = 0; i < 10'000; ++i) {
    const Caller& maker = makers[random() % makers.size()];
    const bool wants_person = below(2) == 0;
    const auto key =
        wants_person
            ? desk_.add_person({maker, "r"}, fmt::format("bo {}", i), roles[below(3)])
            : desk_.create({maker, "r"}, {.name = "n", .models = {"m" + std::to_string(i)}});
    if (!key) {
      EXPECT_EQ(key.error().reason, ErrorReason::wrong_scope);
      continue;
    }
    ++made;
    EXPECT_EQ(key->row.team_id, "red");
    EXPECT_EQ(key->row.org_id, "acme");
    ASSERT_TRUE(maker.role) << "a customer's key made another";
    EXPECT_GE(*maker.role, key->row.role ? Role::owner : Role::admin);
    EXPECT_LE(key->row.role.value_or(Role::member), *maker.role);
  }
  EXPECT_GT(made, 1'000);
}

TEST_F(KeyDeskTest, ShowsThePeopleOfTheTeamAlone) {
  const Caller boss = person(Role::owner);
  person(Role::owner, "blue");
  make(boss);
  const NewKey bo = *desk_.add_person({boss, "r1"}, "bo", Role::admin);
  ASSERT_TRUE(keys_.revoke({.name = "test"}, person(Role::member).owner.key_id));
  EXPECT_EQ(keys_.authenticate("Bearer " + bo.secret)->role, Role::admin);
  std::vector<std::string> ids;
  const auto people = *desk_.people({boss, "r1"});
  for (const ApiKey& each : people) ids.push_back(each.id);
  EXPECT_EQ(ids, (std::vector<std::string>{boss.owner.key_id, bo.row.id}));
}

TEST_F(KeyDeskTest, FindsNothingOfAnotherTeamAndNoOtherPerson) {
  const std::string id = make(person(Role::admin, "blue"));
  const Caller red = person(Role::owner);
  const std::string other_person = person(Role::member).owner.key_id;
  for (const std::string& hidden : {id, other_person, std::string("none")}) {
    EXPECT_EQ(desk_.change({red, "r"}, hidden, renamed).error().code, ErrorCode::not_found);
    EXPECT_EQ(desk_.show({red, "r"}, hidden).error().code, ErrorCode::not_found);
    EXPECT_EQ(desk_.rotate({red, "r"}, hidden, 0).error().code, ErrorCode::not_found);
    EXPECT_EQ(desk_.ask_capacity({red, "r"}, hidden, {.per_minute = 1}).error().code,
              ErrorCode::not_found);
    EXPECT_EQ(desk_.revoke({red, "r"}, hidden).error().code, ErrorCode::not_found);
  }
  EXPECT_TRUE(desk_.list({red, "r"})->keys.empty());
  EXPECT_EQ(desk_.list({red, "r", "blue"}).error().code, ErrorCode::not_found);
  const auto page = *desk_.audit({red, "r"}, 0, 100);
  EXPECT_FALSE(page.events.empty());
  for (const AuditEvent& event : page.events) EXPECT_EQ(event.deed.team_id, "red");
}

TEST_F(KeyDeskTest, ListsPageByPageThoughKeysAreDeletedBetween) {
  const Caller boss = person(Role::owner);
  std::vector<std::string> ids;
  for (int i = 0; i < 5; ++i) {
    ids.push_back(make(boss));
    clock_.advance_ms(1);
  }
  const auto first = *desk_.list({boss, "r"}, {}, 2);
  ASSERT_EQ(first.keys.size(), 2u);
  EXPECT_EQ(first.keys[1].id, ids[1]);
  ASSERT_TRUE(desk_.revoke({boss, "r"}, ids[0]));
  ASSERT_TRUE(desk_.revoke({boss, "r"}, ids[2]));  // which the next page was to begin with
  const auto second = *desk_.list({boss, "r"}, first.next, 2);
  ASSERT_EQ(second.keys.size(), 2u);
  EXPECT_EQ(second.keys[0].id, ids[3]);
  EXPECT_EQ(second.next, "");
  EXPECT_EQ(desk_.list({boss, "r"}, {}, 3)->next, "");
  for (const char* wrong : {"x", "1", "x.y", "1x.y"})
    EXPECT_EQ(desk_.list({boss, "r"}, wrong).error().field, "paginationToken") << wrong;
}

TEST_F(KeyDeskTest, LetsACustomerAskForCapacityAndAnAdminGrantIt) {
  const Caller admin = person(Role::admin);
  const NewKey key = *desk_.create({admin, "r"}, {.name = "app"});
  const Caller customer = *keys_.authenticate("Bearer " + key.secret);
  ASSERT_TRUE(desk_.ask_capacity({customer, "r"}, {.per_second = 20}));
  EXPECT_FALSE(desk_.decide_capacity({customer, "r"}, key.row.id, true));
  EXPECT_FALSE(desk_.decide_capacity({person(Role::member), "r"}, key.row.id, true));
  EXPECT_FALSE(desk_.decide_capacity({person(Role::owner, "blue"), "r"}, key.row.id, true));
  ASSERT_TRUE(desk_.decide_capacity({admin, "r"}, key.row.id, true));
  EXPECT_EQ(keys_.find(key.row.id)->allowance.per_second, 20);
  EXPECT_EQ(desk_.ask_capacity({admin, "r"}, {.per_second = 20}).error().code,
            ErrorCode::not_found);
}

TEST_F(KeyDeskTest, LetsNobodyGrantWhatTheyHaveAskedFor) {
  const Caller ann = person(Role::admin);
  const Caller bo = person(Role::owner);
  const std::string id = make(ann);
  ASSERT_TRUE(desk_.ask_capacity({ann, "r"}, id, {.per_minute = 600}));
  EXPECT_EQ(desk_.decide_capacity({ann, "r"}, id, true).error().code, ErrorCode::permission_denied);
  EXPECT_EQ(keys_.find(id)->allowance.per_minute, std::nullopt);
  ASSERT_TRUE(desk_.decide_capacity({bo, "r"}, id, true));
  EXPECT_EQ(keys_.find(id)->allowance.per_minute, 600);
  ASSERT_TRUE(desk_.ask_capacity({ann, "r"}, id, {.per_minute = 900}));
  EXPECT_TRUE(desk_.decide_capacity({ann, "r"}, id, false)) << "whoever asked may take it back";
}

TEST_F(KeyDeskTest, WritesDownWhoHasDoneIt) {
  const Caller boss = person(Role::owner);
  const std::string id = make(boss);
  ASSERT_TRUE(desk_.change({boss, "r2"}, id, renamed));
  EXPECT_EQ(desk_.audit({boss, "r3"}, 1, 2)->next_sequence, 3);
  const auto page = *desk_.audit({boss, "r3"}, 2, 10);
  EXPECT_EQ(page.next_sequence, 0);
  const auto& events = page.events;
  ASSERT_EQ(events.size(), 2u);
  EXPECT_EQ(events[1].deed.action, "key.change");
  EXPECT_EQ(events[1].deed.actor, "key:" + boss.owner.key_id);
  EXPECT_EQ(events[1].deed.target, "key:" + id);
  EXPECT_EQ(events[1].deed.request_id, "r2");
  EXPECT_TRUE(events[1].deed.detail.starts_with("name=\"new\" scopes=all"));
}

}  // namespace
}  // namespace imagined::service
