// People who sign in, on stores in memory, with a clock that the test moves.
#include "service/accounts/sessions.h"

#include <gtest/gtest.h>

#include <string>

#include "service/maintenance/session_expiry.h"
#include "storage/memory/memory_session_store.h"
#include "storage/process/process_limit_store.h"

namespace imagined::service {
namespace {

constexpr const char* kPassword = "a quiet lake at dawn";

class SessionsTest : public testing::Test {
 protected:
  SessionsTest() {
    person_ = keys_.create({.name = "test"}, {.name = "Ann"}, {.role = Role::admin})->row;
    caller_.owner.key_id = person_.id;
    caller_.role = Role::admin;
    EXPECT_TRUE(sessions_.set_password({caller_, "r"}, {.name = "Ann", .password = kPassword}));
  }

  Result<Sessions::Begun> sign_in(std::string_view name = "ann",
                                  std::string_view password = kPassword,
                                  std::string_view from = "10.0.0.1") {
    return sessions_.sign_in({name, password, from, "r1"});
  }

  ManualClock clock_;
  storage::MemoryKeyStore key_store_{clock_};
  KeyService keys_{key_store_, clock_, {.pepper = "pepper"}};
  storage::MemorySessionStore store_{key_store_};
  storage::ProcessLimitStore limits_{clock_};
  Sessions sessions_{{store_, keys_, limits_, clock_}, {.passes = 1, .memory_kib = 8}};
  ApiKey person_;
  Caller caller_;
};

TEST_F(SessionsTest, ATokenIsThePersonWithItsRoleOfNow) {
  const auto begun = sign_in(" ANN ");
  ASSERT_TRUE(begun) << begun.error().message;
  const Caller caller = *sessions_.authenticate(begun->token);
  EXPECT_EQ(caller.owner.key_id, person_.id);
  EXPECT_EQ(caller.role, Role::admin);
  EXPECT_TRUE(require(caller, Scope::images));
  ASSERT_TRUE(keys_.revoke({.name = "test"}, person_.id));
  EXPECT_EQ(sessions_.authenticate(begun->token).error().code, ErrorCode::unauthenticated);
  EXPECT_EQ(sign_in().error().code, ErrorCode::unauthenticated);
}

TEST_F(SessionsTest, AnUnknownNameAndAWrongPasswordAreOneAnswer) {
  const Error unknown = sign_in("bob").error();
  const Error wrong = sign_in("ann", "another quiet lake").error();
  EXPECT_EQ(unknown.code, ErrorCode::unauthenticated);
  EXPECT_EQ(unknown.message, wrong.message);
  EXPECT_EQ(sign_in("ann", std::string(300, 'x')).error().message, wrong.message);
}

TEST_F(SessionsTest, EndsWhenNobodyHasUsedItForHours) {
  const std::string token = sign_in()->token;
  for (int i = 0; i < 4; ++i) {
    clock_.advance_ms(kSessionIdleMs - 1);
    EXPECT_TRUE(sessions_.authenticate(token)) << i;
  }
  clock_.advance_ms(kSessionIdleMs);
  EXPECT_EQ(sessions_.authenticate(token).error().code, ErrorCode::unauthenticated);
}

TEST_F(SessionsTest, EndsInTheEndHoweverMuchItIsUsed) {
  const auto begun = sign_in();
  EXPECT_EQ(*sessions_.ends_ms(begun->token), begun->ends_ms);
  while (clock_.unix_ms() + kSessionIdleMs / 2 < begun->ends_ms) {
    clock_.advance_ms(kSessionIdleMs / 2);
    ASSERT_TRUE(sessions_.authenticate(begun->token));
  }
  clock_.advance_ms(begun->ends_ms - clock_.unix_ms());
  EXPECT_EQ(sessions_.authenticate(begun->token).error().code, ErrorCode::unauthenticated);
  ASSERT_TRUE(session_expiry(store_, clock_).run_once(std::stop_token()));
  EXPECT_TRUE(sign_in());
}

TEST_F(SessionsTest, TheDutyRemovesWhatIsOverAndNothingElse) {
  ASSERT_TRUE(sign_in());
  clock_.advance_ms(kSessionIdleMs + 1);
  const std::string token = sign_in()->token;
  EXPECT_EQ(*session_expiry(store_, clock_).run_once(std::stop_token()), 1);
  EXPECT_TRUE(sessions_.authenticate(token));
}

TEST_F(SessionsTest, SigningOutEndsItOnce) {
  const std::string token = sign_in()->token;
  ASSERT_TRUE(sessions_.sign_out({caller_, "r2"}, token));
  ASSERT_TRUE(sessions_.sign_out({caller_, "r2"}, token));
  EXPECT_FALSE(sessions_.authenticate(token));
  std::vector<std::string> actions;
  const auto events = *key_store_.audit(0, 10);
  for (const AuditEvent& event : events) actions.push_back(event.deed.action);
  EXPECT_EQ(actions, (std::vector<std::string>{"key.create", "password.set", "session.begin",
                                               "session.end"}));
}

TEST_F(SessionsTest, ManyAttemptsForANameMustWaitEvenWithTheRightPassword) {
  for (int i = 0; i < 5; ++i)
    EXPECT_EQ(sign_in("ann", "wrong wrong wrong").error().code, ErrorCode::unauthenticated);
  const Error error = sign_in().error();
  EXPECT_EQ(error.code, ErrorCode::resource_exhausted);
  EXPECT_GT(error.retry_after_ms, 0);
  clock_.advance_ms(60'000);
  EXPECT_TRUE(sign_in());
}

TEST_F(SessionsTest, ManyAttemptsFromAnAddressMustWaitWhateverTheName) {
  for (int i = 0; i < 20; ++i) (void)sign_in("name" + std::to_string(i), "wrong");
  EXPECT_EQ(sign_in().error().code, ErrorCode::resource_exhausted);
  EXPECT_TRUE(sign_in("ann", kPassword, "10.0.0.2"));
}

TEST_F(SessionsTest, ANewPasswordNeedsTheOldOneOrTheKeyAndEndsSessions) {
  const std::string token = sign_in()->token;
  Sessions::PasswordWish wish{.name = "ann", .password = "another lake at dusk"};
  EXPECT_EQ(sessions_.set_password({caller_, "r"}, wish).error().code, ErrorCode::unauthenticated);
  EXPECT_TRUE(sessions_.authenticate(token));
  wish.current = kPassword;
  ASSERT_TRUE(sessions_.set_password({caller_, "r"}, wish));
  EXPECT_FALSE(sessions_.authenticate(token));
  EXPECT_FALSE(sign_in());
  EXPECT_TRUE(sign_in("ann", wish.password));
  EXPECT_TRUE(sessions_.set_password({caller_, "r"},
                                     {.name = "ann", .password = kPassword, .has_key = true}));
}

TEST_F(SessionsTest, ANameIsOnePersons) {
  const ApiKey bob = keys_.create({.name = "test"}, {.name = "bob"}, {.role = Role::member})->row;
  Caller caller = caller_;
  caller.owner.key_id = bob.id;
  const auto taken = sessions_.set_password({caller, "r"}, {.name = "ANN", .password = kPassword});
  EXPECT_EQ(taken.error().field, "name");
}

TEST_F(SessionsTest, PeopleOfTwoTeamsSignInByOneNameAndDoNotLearnOfEachOther) {
  const ApiKey other =
      keys_.create({.name = "test"}, {.name = "Ann"}, {.team_id = "blue", .role = Role::owner})
          ->row;
  Caller caller = caller_;
  caller.owner = {.team_id = "blue", .key_id = other.id};
  ASSERT_TRUE(
      sessions_.set_password({caller, "r"}, {.name = "ann", .password = "another lake at dusk"}));
  EXPECT_EQ(sign_in("ann", "another lake at dusk")->person.id, other.id);
  EXPECT_EQ(sign_in("ann", kPassword)->person.id, person_.id);
  EXPECT_EQ(sign_in("ann", "no lake at all here").error().message,
            sign_in("bob", "no lake at all here").error().message);
}

TEST_F(SessionsTest, TakesAPasswordThatWasHashedWithASaltOfItsOwn) {
  Login old{.person_id = person_.id,
            .name = "ann",
            .hash = *hash_password("an older lake in fog", {.passes = 1, .memory_kib = 8})};
  ASSERT_TRUE(store_.put_login(old, {.actor = "test", .action = "password.set"}));
  EXPECT_TRUE(sign_in("ann", "an older lake in fog"));
  EXPECT_FALSE(sign_in("ann", kPassword));
}

TEST_F(SessionsTest, CustomersHaveNoPasswords) {
  const Caller customer{.owner = caller_.owner};
  EXPECT_EQ(
      sessions_.set_password({customer, "r"}, {.name = "eve", .password = kPassword}).error().code,
      ErrorCode::unauthenticated);
  EXPECT_FALSE(sessions_.begin({customer, "r"}));
}

TEST_F(SessionsTest, TheCsrfTokenFollowsFromTheTokenAndDoesNotTellIt) {
  EXPECT_EQ(csrf_token("abc"), csrf_token("abc"));
  EXPECT_NE(csrf_token("abc"), csrf_token("abd"));
  EXPECT_EQ(csrf_token("abc").find("abc"), std::string::npos);
}

}  // namespace
}  // namespace imagined::service
