#include "service/admission/admission.h"

#include <gtest/gtest.h>

#include "storage/process/process_limit_store.h"

namespace imagined::service {
namespace {

class AdmissionTest : public testing::Test {
 protected:
  static Caller caller(std::string key = "k1", std::string team = "red") {
    return {.owner = {.org_id = "acme", .team_id = std::move(team), .key_id = std::move(key)},
            .scopes = ScopeSet::all()};
  }
  bool enters(Admission& door, const Caller& who, std::string_view model = "m") {
    return !door.admit(who, model)->refusal;
  }

  ManualClock clock_;
  storage::ProcessLimitStore store_{clock_};
};

TEST_F(AdmissionTest, LetsInFiveASecondAndThenSaysWhenToComeBack) {
  Admission door(store_, clock_);
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(enters(door, caller())) << i;
  const Admitted refused = *door.admit(caller(), "m");
  ASSERT_TRUE(refused.refusal);
  EXPECT_EQ(refused.refusal->code, ErrorCode::resource_exhausted);
  EXPECT_EQ(refused.refusal->retry_after_ms, 1'000);
  EXPECT_EQ(refused.figures.remaining, 0);
  clock_.advance_ms(1'000);
  EXPECT_TRUE(enters(door, caller()));
}

TEST_F(AdmissionTest, CountsEachKeyAndModelByItself) {
  Admission door(store_, clock_, {.per_second = 1});
  EXPECT_TRUE(enters(door, caller("k1"), "fast"));
  EXPECT_TRUE(enters(door, caller("k1"), "fine"));
  EXPECT_TRUE(enters(door, caller("k2"), "fast"));
  EXPECT_FALSE(enters(door, caller("k1"), "fast"));
}

TEST_F(AdmissionTest, PutsTheKeysOwnLimitsBeforeThoseOfTheServer) {
  Admission door(store_, clock_, {.per_second = 1});
  Caller generous = caller();
  generous.allowance.per_second = 3;
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(enters(door, generous));
  EXPECT_FALSE(enters(door, generous));
  EXPECT_EQ(door.in_flight_max(generous), 20);
  generous.allowance.in_flight = 2;
  EXPECT_EQ(door.in_flight_max(generous), 2);
}

TEST_F(AdmissionTest, HoldsATeamsLimitOverAllOfItsKeys) {
  Admission door(store_, clock_, {.team = {.per_minute = 2}});
  EXPECT_TRUE(enters(door, caller("k1")));
  EXPECT_TRUE(enters(door, caller("k2")));
  EXPECT_FALSE(enters(door, caller("k3")));
  EXPECT_TRUE(enters(door, caller("k4", "blue")));
}

TEST_F(AdmissionTest, AsksTheBooksForTheQuotasOfKeyTeamAndUser) {
  Admission door(store_, clock_,
                 {.team = {.usd_ticks_per_month = 3},
                  .user = {.pictures_per_day = 4},
                  .charge_policy = ChargePolicy::work_done});
  Caller who = caller();
  who.allowance.usd_ticks_per_day = 5;
  const Reservation with_user = door.reservation(who, {.id = "c", .user = "alice"});
  ASSERT_EQ(with_user.quotas.size(), 3u);
  EXPECT_EQ(with_user.quotas[0].bucket, "key:k1");
  EXPECT_EQ(with_user.quotas[0].usd_ticks, 5);
  EXPECT_EQ(with_user.quotas[1].bucket, "team:red");
  EXPECT_EQ(with_user.quotas[1].period, QuotaPeriod::month);
  EXPECT_EQ(with_user.quotas[2].bucket, "user:red/alice");
  EXPECT_EQ(with_user.quotas[2].pictures, 4);
  EXPECT_EQ(with_user.charge.policy, ChargePolicy::work_done);
  EXPECT_EQ(door.reservation(who, {.id = "c"}).quotas.size(), 2u);
}

class WaitingAdmissionTest : public AdmissionTest {
 protected:
  Admission door_{store_, clock_, {.per_second = 1, .waits = true, .wait_ms_max = 5'000}};
};

TEST_F(WaitingAdmissionTest, LetsInLaterWhoeverWasOverTheLimit) {
  auto first = *door_.queue(caller(), "m", {});
  EXPECT_FALSE((*first.look())->refusal);
  auto second = *door_.queue(caller(), "m", {});
  EXPECT_FALSE(*second.look());
  EXPECT_EQ(second.wait_ms(), 1'000);
  clock_.advance_ms(1'000);
  EXPECT_FALSE((*second.look())->refusal);
}

TEST_F(WaitingAdmissionTest, CallsWhoseTurnAnotherHasFound) {
  auto first = *door_.queue(caller("k1"), "m", {});
  EXPECT_TRUE(*first.look());
  bool called = false;
  auto second = *door_.queue(caller("k1"), "m", [&called] { called = true; });
  EXPECT_FALSE(*second.look());
  clock_.advance_ms(1'000);
  auto third = *door_.queue(caller("k1"), "m", {});
  EXPECT_FALSE(*third.look());
  EXPECT_TRUE(called);
  EXPECT_FALSE((*second.look())->refusal);
}

TEST_F(WaitingAdmissionTest, TurnsAwayWhoHasWaitedTooLong) {
  std::vector<Admission::Place> places;
  for (int i = 0; i < 7; ++i) places.push_back(*door_.queue(caller(), "m", {}));
  int admitted = 0;
  for (int second = 0; second <= 4; ++second, clock_.advance_ms(1'000))
    EXPECT_TRUE(places.back().look());
  for (auto& place : places) {
    const auto answer = *place.look();
    if (answer && !answer->refusal) ++admitted;
  }
  EXPECT_EQ(admitted, 6);  // at 0 s to 5 s
  const auto late = *places.back().look();
  ASSERT_TRUE(late);
  EXPECT_EQ(late->refusal->message, "Too many requests are waiting for this key and model m.");
}

TEST_F(WaitingAdmissionTest, GivesUpAPlaceWithItsObject) {
  EXPECT_TRUE(*(*door_.queue(caller(), "m", {})).look());
  {
    auto gone = *door_.queue(caller(), "m", {});
    EXPECT_FALSE(*gone.look());
  }
  auto next = *door_.queue(caller(), "m", {});
  clock_.advance_ms(1'000);
  EXPECT_TRUE(*next.look());
}

}  // namespace
}  // namespace imagined::service
