#include "service/accounts/first_owner.h"

#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "storage/memory/memory_key_store.h"

namespace imagined::service {
namespace {

class FirstOwnerTest : public testing::Test {
 protected:
  ManualClock clock_;
  storage::MemoryKeyStore store_{clock_};
  KeyService keys_{store_, clock_, {.pepper = "pepper"}};
  FirstOwner first_{keys_, clock_};
};

TEST_F(FirstOwnerTest, MakesWhoeverHasTheTokenAnOwner) {
  const std::string token = **first_.offer();
  const NewKey owner = *first_.claim(token, "ann", "r1");
  EXPECT_EQ(owner.row.name, "ann");
  EXPECT_TRUE(require(*keys_.authenticate("Bearer " + owner.secret), Role::owner));
  const AuditEvent event = store_.audit(0, 10)->at(0);
  EXPECT_EQ(event.deed.actor, "claim token");
  EXPECT_EQ(event.deed.request_id, "r1");
}

TEST_F(FirstOwnerTest, TakesATokenOnce) {
  const std::string token = **first_.offer();
  ASSERT_TRUE(first_.claim(token, "ann", "r1"));
  EXPECT_EQ(first_.claim(token, "bob", "r2").error().code, ErrorCode::gone);
  EXPECT_EQ(*first_.offer(), std::nullopt);
}

TEST_F(FirstOwnerTest, RefusesWhatItDidNotOfferAndSaysNothingOfIt) {
  EXPECT_EQ(first_.claim("", "ann", "r").error().code, ErrorCode::unauthenticated);
  const std::string token = **first_.offer();
  for (const std::string& wrong : {std::string(), token + "x", token.substr(1), "claim_" + token})
    EXPECT_EQ(first_.claim(wrong, "ann", "r").error().code, ErrorCode::unauthenticated) << wrong;
  EXPECT_TRUE(store_.list()->empty());
  EXPECT_TRUE(first_.claim(token, "ann", "r"));
}

TEST_F(FirstOwnerTest, RefusesATokenThatIsTooOldOrWasReplaced) {
  const std::string first = **first_.offer();
  clock_.advance_ms(FirstOwner::kTokenLifeMs - 1);
  const std::string second = **first_.offer();
  EXPECT_EQ(first_.claim(first, "ann", "r").error().code, ErrorCode::unauthenticated);
  clock_.advance_ms(FirstOwner::kTokenLifeMs);
  EXPECT_EQ(first_.claim(second, "ann", "r").error().code, ErrorCode::unauthenticated);
}

TEST_F(FirstOwnerTest, IsNotNeededWhereAPersonWasMadeAnOwnerOtherwise) {
  const std::string token = **first_.offer();
  ASSERT_TRUE(keys_.create({.name = "command line"}, {.name = "cy"}, {.role = Role::owner}));
  EXPECT_EQ(first_.claim(token, "ann", "r").error().code, ErrorCode::gone);
}

TEST_F(FirstOwnerTest, KeepsTheTokenGoodWhenTheNameIsRefused) {
  const std::string token = **first_.offer();
  EXPECT_EQ(first_.claim(token, "", "r").error().field, "name");
  EXPECT_TRUE(first_.claim(token, "ann", "r"));
}

TEST_F(FirstOwnerTest, HasOneWinnerOfARace) {
  const std::string token = **first_.offer();
  constexpr int kMany = 100;
  std::atomic<int> won = 0;
  std::atomic<int> late = 0;
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < kMany; ++i)
      threads.emplace_back([&] {
        const auto claimed = first_.claim(token, "ann", "r");
        won += claimed.has_value();
        late += !claimed && claimed.error().code == ErrorCode::gone;
      });
  }
  EXPECT_EQ(won, 1);
  EXPECT_EQ(late, kMany - 1);
}

}  // namespace
}  // namespace imagined::service
