// What every LedgerStore promises.
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "service/ports/ledger_store.h"

namespace imagined::service {

struct LedgerStoreUnderTest {
  std::shared_ptr<ManualClock> clock;
  std::shared_ptr<void> keeper;
  std::unique_ptr<LedgerStore> store;
};

using MakeLedgerStore = std::function<LedgerStoreUnderTest()>;

class LedgerStoreContract : public testing::TestWithParam<MakeLedgerStore> {
 protected:
  LedgerStoreContract()
      : under_test_(GetParam()()), clock_(*under_test_.clock), store_(*under_test_.store) {}

  // 0.02 USD a picture, 0.004 USD once.
  Charge charge(std::string id, std::int64_t pictures = 3) const {
    return {.id = std::move(id),
            .owner = {.org_id = "acme", .team_id = "red", .key_id = "k1"},
            .user = "alice",
            .model = "m",
            .bill = {.per_picture_usd_ticks = 200'000'000, .once_usd_ticks = 40'000'000},
            .pictures = pictures,
            .created_ms = clock_.unix_ms()};
  }
  Result<void> reserve(Charge wanted, std::vector<Quota> quotas = {}) {
    return store_.reserve({.charge = std::move(wanted), .quotas = std::move(quotas)});
  }
  std::int64_t balance(const std::string& account) { return (*store_.balances())[account]; }
  void expect_right_books() { EXPECT_EQ(*store_.audit(), LedgerAudit()); }

  LedgerStoreUnderTest under_test_;
  ManualClock& clock_;
  LedgerStore& store_;
};

TEST_P(LedgerStoreContract, HoldsWhatIsOrderedAndSettlesWhatIsDelivered) {
  ASSERT_TRUE(reserve(charge("c")));
  EXPECT_EQ(balance("wallet:red"), -640'000'000);
  EXPECT_EQ(balance("held:red"), 640'000'000);
  EXPECT_EQ(*store_.resolve("c", {.outcome = Outcome::delivered, .delivered = 2}), 440'000'000);
  EXPECT_EQ(balance("wallet:red"), -440'000'000);
  EXPECT_EQ(balance("held:red"), 0);
  EXPECT_EQ(balance("revenue:m"), 440'000'000);
  expect_right_books();
}

TEST_P(LedgerStoreContract, HoldsATeamToItsOwnLimitOfTheMonth) {
  const Deed deed{.actor = "key:boss", .action = "team.spending_limit", .target = "team:red"};
  const auto order = [this](const std::string& id, std::optional<std::int64_t> servers = {}) {
    return reserve(charge(id, 1), {{.bucket = "team:red",
                                    .period = QuotaPeriod::month,
                                    .usd_ticks = servers,
                                    .is_teams_month = true}});
  };
  EXPECT_EQ(*store_.team_limit("red"), std::nullopt);
  ASSERT_TRUE(order("a"));  // 240,000,000
  ASSERT_TRUE(store_.set_team_limit("red", 479'999'999, deed));
  ASSERT_TRUE(store_.set_team_limit("blue", 1, deed));
  EXPECT_EQ(*store_.team_limit("red"), 479'999'999);
  EXPECT_EQ(order("b").error().code, ErrorCode::resource_exhausted);
  ASSERT_TRUE(store_.set_team_limit("red", 480'000'000, deed));
  EXPECT_EQ(order("b", 479'999'999).error().code, ErrorCode::resource_exhausted);
  EXPECT_TRUE(order("b", 1'000'000'000));
  EXPECT_FALSE(order("c", 1'000'000'000));
  ASSERT_TRUE(store_.set_team_limit("red", std::nullopt, deed));
  EXPECT_TRUE(order("c"));
  EXPECT_TRUE(reserve(charge("d")));  // a quota of something else
}

TEST_P(LedgerStoreContract, RecordsWhatNeedsNoJobAtOnce) {
  EXPECT_EQ(
      *store_.record({.charge = charge("c")}, {.outcome = Outcome::delivered, .delivered = 3}),
      640'000'000);
  EXPECT_EQ(*store_.record({.charge = charge("d")}, {.outcome = Outcome::prompt_blocked}), 0);
  EXPECT_EQ(balance("held:red"), 0);
  EXPECT_EQ(balance("revenue:m"), 640'000'000);
  EXPECT_EQ(store_.spent("key:k1", QuotaPeriod::day)->pictures, 3);
  const auto usage = *store_.usage({});
  ASSERT_EQ(usage.size(), 2u);
  EXPECT_EQ(usage[1].outcome, Outcome::prompt_blocked);
  EXPECT_EQ(usage[1].requests, 1);
  EXPECT_EQ(usage[1].usd_ticks, 0);
  expect_right_books();
}

TEST_P(LedgerStoreContract, CountsAnAnswerInWordsByItsCostAndNotAsAPicture) {
  Charge words = charge("w", 1);
  words.is_words = true;
  const Quota no_more{.bucket = "key:k1", .period = QuotaPeriod::day, .pictures = 1};
  ASSERT_TRUE(reserve(charge("p", 1)));
  EXPECT_EQ(*store_.record({.charge = words, .quotas = {no_more}},
                           {.outcome = Outcome::delivered, .delivered = 1}),
            240'000'000);
  EXPECT_EQ(*store_.spent("key:k1", QuotaPeriod::day), (Amount{1, 480'000'000}));
  const auto usage = *store_.usage({});
  ASSERT_EQ(usage.size(), 1u);
  EXPECT_EQ(usage[0].requests, 1);
  EXPECT_EQ(usage[0].pictures, 0);
  EXPECT_EQ(usage[0].usd_ticks, 240'000'000);
  expect_right_books();
}

TEST_P(LedgerStoreContract, RecordsNothingOverAQuota) {
  const Quota quota{.bucket = "key:k1", .period = QuotaPeriod::day, .pictures = 2};
  const auto refused = store_.record({.charge = charge("c"), .quotas = {quota}},
                                     {.outcome = Outcome::delivered, .delivered = 3});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::resource_exhausted);
  EXPECT_TRUE(store_.usage({})->empty());
  expect_right_books();
}

TEST_P(LedgerStoreContract, GivesEverythingBackWhenNothingIsDelivered) {
  ASSERT_TRUE(reserve(charge("c")));
  EXPECT_EQ(*store_.resolve("c", {.outcome = Outcome::engine_failed, .delivered = 0}), 0);
  EXPECT_EQ(balance("wallet:red"), 0);
  EXPECT_EQ(store_.spent("key:k1", QuotaPeriod::day)->pictures, 0);
  expect_right_books();
}

TEST_P(LedgerStoreContract, ChargesByThePolicyOfTheOrder) {
  Charge strict = charge("c");
  strict.policy = ChargePolicy::work_done;
  ASSERT_TRUE(reserve(strict));
  ASSERT_TRUE(reserve(charge("d")));
  EXPECT_EQ(*store_.cost("c"), 0) << "while it is open";
  EXPECT_EQ(*store_.resolve("c", {.outcome = Outcome::cancelled_running}), 640'000'000);
  EXPECT_EQ(*store_.resolve("d", {.outcome = Outcome::cancelled_running}), 0);
  EXPECT_EQ(*store_.cost("c"), 640'000'000);
  EXPECT_EQ(*store_.cost("d"), 0);
  expect_right_books();
}

TEST_P(LedgerStoreContract, ResolvesAChargeOnce) {
  ASSERT_TRUE(reserve(charge("c")));
  ASSERT_TRUE(store_.resolve("c", {.outcome = Outcome::cancelled_queued}));
  EXPECT_EQ(store_.resolve("c", {.outcome = Outcome::delivered, .delivered = 3}).error().code,
            ErrorCode::failed_precondition);
  EXPECT_EQ(balance("revenue:m"), 0);
  expect_right_books();
}

TEST_P(LedgerStoreContract, TakesAChargeOnce) {
  ASSERT_TRUE(reserve(charge("c")));
  EXPECT_EQ(reserve(charge("c")).error().code, ErrorCode::already_exists);
  EXPECT_EQ(balance("held:red"), 640'000'000);
  expect_right_books();
}

TEST_P(LedgerStoreContract, RefundsWhatWasPaidOnceAndOnlyAfterIt) {
  ASSERT_TRUE(reserve(charge("c")));
  EXPECT_EQ(store_.refund("c").error().code, ErrorCode::failed_precondition);
  ASSERT_TRUE(store_.resolve("c", {.outcome = Outcome::delivered, .delivered = 3}));
  EXPECT_EQ(*store_.refund("c"), 640'000'000);
  EXPECT_EQ(*store_.cost("c"), 0);
  EXPECT_EQ(store_.refund("c").error().code, ErrorCode::failed_precondition);
  EXPECT_EQ(balance("wallet:red"), 0);
  EXPECT_EQ(balance("revenue:m"), 0);
  EXPECT_EQ(*store_.spent("team:red", QuotaPeriod::month), Amount());
  expect_right_books();
}

TEST_P(LedgerStoreContract, KnowsNoChargeThatItWasNotGiven) {
  EXPECT_EQ(store_.resolve("c", {}).error().code, ErrorCode::not_found);
  EXPECT_EQ(store_.refund("c").error().code, ErrorCode::not_found);
  EXPECT_EQ(store_.cost("c").error().code, ErrorCode::not_found);
}

TEST_P(LedgerStoreContract, RefusesOverADailyBudgetAndTakesItUpTheNextDay) {
  const std::vector<Quota> quotas = {{.bucket = "key:k1", .usd_ticks = 1'000'000'000}};
  ASSERT_TRUE(reserve(charge("c"), quotas));
  const auto refused = reserve(charge("d"), quotas);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::resource_exhausted);
  EXPECT_EQ(refused.error().message,
            "The daily budget of this key is used up: 0.064 of 0.10 USD are spent or reserved and "
            "this request may cost 0.064 USD. It begins anew at 2023-11-15T00:00:00Z.");
  EXPECT_TRUE(reserve(charge("e", 1), quotas));  // 0.024 USD still fit
  clock_.advance_ms(86'400'000);
  EXPECT_TRUE(reserve(charge("f"), quotas));
  expect_right_books();
}

TEST_P(LedgerStoreContract, CountsPicturesByOrganisationTeamKeyAndUser) {
  ASSERT_TRUE(reserve(charge("c")));
  Charge other = charge("d", 2);
  other.owner.key_id = "k2";
  other.user = "";
  ASSERT_TRUE(reserve(other));
  const auto pictures = [&](std::string_view bucket) {
    return store_.spent(bucket, QuotaPeriod::month)->pictures;
  };
  EXPECT_EQ(pictures("org:acme"), 5);
  EXPECT_EQ(pictures("team:red"), 5);
  EXPECT_EQ(pictures("key:k1"), 3);
  EXPECT_EQ(pictures("key:k2"), 2);
  EXPECT_EQ(pictures("user:red/alice"), 3);
  EXPECT_EQ(pictures("user:blue/alice"), 0);
}

TEST_P(LedgerStoreContract, KeepsNothingWhenOneOfSeveralQuotasRefuses) {
  EXPECT_FALSE(reserve(
      charge("c"), {{.bucket = "team:red", .pictures = 100},
                    {.bucket = "user:red/alice", .period = QuotaPeriod::month, .pictures = 2}}));
  EXPECT_EQ(*store_.spent("team:red", QuotaPeriod::day), Amount());
  EXPECT_EQ(balance("held:red"), 0);
  EXPECT_EQ(store_.resolve("c", {}).error().code, ErrorCode::not_found);
}

TEST_P(LedgerStoreContract, GivesBackAQuotaInTheMonthOfTheOrder) {
  clock_.advance_ms(15LL * 86'400'000);  // 2023-11-29
  const std::string bucket = "key:k1";
  ASSERT_TRUE(reserve(charge("c")));
  clock_.advance_ms(3LL * 86'400'000);  // December
  ASSERT_TRUE(reserve(charge("d", 1)));
  ASSERT_TRUE(store_.resolve("c", {.outcome = Outcome::engine_failed}));
  EXPECT_EQ(store_.spent(bucket, QuotaPeriod::month)->pictures, 1);
}

// reliability.md M4: `--gtest_repeat=50` is 500 rounds.
TEST_P(LedgerStoreContract, IsNotOverdrawnByManyAtOnce) {
  constexpr int kRounds = 10;
  constexpr int kClients = 200;
  constexpr std::int64_t kBudget = 37;
  std::mt19937 random(std::random_device{}());
  for (int round = 0; round < kRounds; ++round) {
    const std::string team = fmt::format("team{}", round);
    const std::vector<Quota> quotas = {{.bucket = "team:" + team, .pictures = kBudget}};
    std::atomic<std::int64_t> admitted = 0;
    std::atomic<std::int64_t> smallest_refused = kBudget;
    {
      std::vector<std::jthread> clients;
      for (int client = 0; client < kClients; ++client) {
        const auto pictures = static_cast<std::int64_t>(1 + random() % 10);
        Charge wanted = charge(fmt::format("{}.{}", round, client), pictures);
        wanted.owner.team_id = team;
        clients.emplace_back([&, pictures, wanted = std::move(wanted)] {
          if (reserve(wanted, quotas)) {
            admitted += pictures;
            return;
          }
          std::int64_t smallest = smallest_refused;
          while (pictures < smallest &&
                 !smallest_refused.compare_exchange_weak(smallest, pictures)) {
          }
        });
      }
    }
    EXPECT_LE(admitted, kBudget);
    EXPECT_LT(kBudget - admitted, smallest_refused) << "one was refused that had room";
    EXPECT_EQ(store_.spent("team:" + team, QuotaPeriod::day)->pictures, admitted);
  }
  expect_right_books();
}

TEST_P(LedgerStoreContract, SumsUsageByDayKeyModelUserAndOutcome) {
  ASSERT_TRUE(reserve(charge("a")));
  ASSERT_TRUE(reserve(charge("b")));
  ASSERT_TRUE(reserve(charge("c", 1)));
  ASSERT_TRUE(reserve(charge("open")));
  ASSERT_TRUE(store_.resolve("a", {.outcome = Outcome::delivered, .delivered = 3}));
  ASSERT_TRUE(store_.resolve("b", {.outcome = Outcome::delivered, .delivered = 3}));
  ASSERT_TRUE(store_.resolve("c", {.outcome = Outcome::prompt_blocked}));
  const UsageRow common{
      .day = "2023-11-14", .team_id = "red", .key_id = "k1", .model = "m", .user = "alice"};
  UsageRow delivered = common;
  delivered.requests = 2;
  delivered.pictures = 6;
  delivered.usd_ticks = 1'280'000'000;
  UsageRow blocked = common;
  blocked.outcome = Outcome::prompt_blocked;
  blocked.requests = 1;
  EXPECT_EQ(*store_.usage({}), (std::vector<UsageRow>{delivered, blocked}));
  EXPECT_TRUE(store_.usage({.team_id = "blue"})->empty());
  EXPECT_TRUE(store_.usage({.from_ms = clock_.unix_ms() + 1})->empty());
  EXPECT_EQ(store_.usage({.key_id = "k1", .user = "alice"})->size(), 2u);
  EXPECT_EQ(*store_.usage({.rows_max = 1}), std::vector<UsageRow>{delivered});
  EXPECT_EQ(*store_.usage({.first_row = 1, .rows_max = 1}), std::vector<UsageRow>{blocked});
  EXPECT_TRUE(store_.usage({.first_row = 2})->empty());
}

}  // namespace imagined::service
