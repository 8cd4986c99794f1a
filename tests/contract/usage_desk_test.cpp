#include "service/accounts/usage_desk.h"

#include <gtest/gtest.h>

#include <string>

#include "storage/memory/memory_ledger_store.h"

namespace imagined::service {
namespace {

class UsageDeskTest : public testing::Test {
 protected:
  static Caller person(const std::string& team) {
    return {.owner = {.org_id = "acme", .team_id = team, .key_id = "boss"}, .role = Role::member};
  }
  void deliver(const std::string& id, const std::string& team) {
    const Charge charge{.id = id,
                        .owner = {.org_id = "acme", .team_id = team, .key_id = id},
                        .model = "m",
                        .bill = {.per_picture_usd_ticks = 5},
                        .pictures = 1,
                        .created_ms = clock_.unix_ms()};
    ASSERT_TRUE(ledger_.reserve({.charge = charge}));
    ASSERT_TRUE(ledger_.resolve(id, {.outcome = Outcome::delivered, .delivered = 1}));
  }

  ManualClock clock_;
  storage::MemoryLedgerStore ledger_{clock_};
  UsageDesk desk_{ledger_};
};

TEST_F(UsageDeskTest, ShowsATeamItsOwnBooksPageByPage) {
  for (const char* id : {"k1", "k2", "k3"}) deliver(id, "red");
  deliver("k4", "blue");
  const Caller red = person("red");
  const auto first = *desk_.usage({red, "r"}, {.team_id = "blue", .rows_max = 2});
  ASSERT_EQ(first.rows.size(), 2u);
  EXPECT_EQ(first.rows[0].key_id, "k1");
  EXPECT_EQ(first.next_row, 2);
  const auto second = *desk_.usage({red, "r"}, {.first_row = first.next_row, .rows_max = 2});
  ASSERT_EQ(second.rows.size(), 1u);
  EXPECT_EQ(second.rows[0].key_id, "k3");
  EXPECT_EQ(second.next_row, 0);
}

TEST_F(UsageDeskTest, SaysHowMuchOfTheTeamsBudgetIsUsed) {
  deliver("k1", "red");
  deliver("k2", "blue");
  UsageDesk desk(ledger_, {.pictures_per_day = 9, .usd_ticks_per_month = 70}, {.per_minute = 12});
  const Caller red = person("red");
  const Budgets budgets = *desk.budgets({red, "r"});
  EXPECT_EQ(budgets.today, (Amount{.pictures = 1, .usd_ticks = 5}));
  EXPECT_EQ(budgets.this_month, budgets.today);
  EXPECT_EQ(budgets.team.pictures_per_day, 9);
  EXPECT_EQ(budgets.rates.per_minute, 12);
  EXPECT_EQ(desk.budgets({red, "r", "blue"}).error().code, ErrorCode::not_found);
}

TEST_F(UsageDeskTest, HoldsATeamToWhatItWantsToSpendBelowTheServersLimit) {
  UsageDesk desk(ledger_, {.usd_ticks_per_month = 70});
  Caller admin = person("red");
  admin.role = Role::admin;
  ASSERT_TRUE(desk.set_spending_limit({admin, "r"}, 50));
  EXPECT_EQ(desk.spending_limits({admin, "r"})->own_usd_ticks, 50);
  EXPECT_EQ(desk.budgets({admin, "r"})->team.usd_ticks_per_month, 50);
  EXPECT_EQ(desk.budgets({person("blue"), "r"})->team.usd_ticks_per_month, 70);
  ASSERT_TRUE(desk.set_spending_limit({admin, "r"}, 90));
  EXPECT_EQ(desk.budgets({admin, "r"})->team.usd_ticks_per_month, 70);
  ASSERT_TRUE(desk.set_spending_limit({admin, "r"}, std::nullopt));
  EXPECT_EQ(desk.spending_limits({admin, "r"})->own_usd_ticks, std::nullopt);
  EXPECT_EQ(desk.set_spending_limit({admin, "r"}, -1).error().field, "desiredSoftSpendingLimit");
  EXPECT_EQ(desk.set_spending_limit({person("red"), "r"}, 1).error().reason,
            ErrorReason::wrong_scope);
}

TEST_F(UsageDeskTest, IsForPeopleOfTheTeam) {
  const Caller red = person("red");
  EXPECT_EQ(desk_.usage({red, "r", "blue"}, {.rows_max = 2}).error().code, ErrorCode::not_found);
  const Caller customer{.owner = red.owner};
  EXPECT_EQ(desk_.usage({customer, "r"}, {.rows_max = 2}).error().code, ErrorCode::unauthenticated);
}

}  // namespace
}  // namespace imagined::service
