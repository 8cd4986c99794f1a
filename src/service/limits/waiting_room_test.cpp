#include "service/limits/waiting_room.h"

#include <gtest/gtest.h>

#include <map>

namespace imagined::service {
namespace {

/// A store of one process, on a time that the test moves.
class Limits {
 public:
  WaitingRoom::Take take() {
    return [this](std::span<const Draw> draws) -> Result<Verdict> {
      std::vector<const HitLog*> logs;
      for (const Draw& draw : draws) logs.push_back(&logs_[draw.bucket]);
      Verdict verdict = decide(draws, logs, now_ms);
      if (verdict.admitted)
        for (const Draw& draw : draws) logs_[draw.bucket].add(now_ms, draw.units);
      return verdict;
    };
  }
  std::int64_t now_ms = 0;

 private:
  std::map<std::string, HitLog> logs_;
};

Draw draw(std::string bucket, std::int64_t limit, std::int64_t units = 1) {
  return {.bucket = std::move(bucket),
          .rules = {{.name = "rps", .window = {.limit = limit, .window_ms = 1'000}}},
          .units = units};
}

std::vector<WaitingRoom::Ticket> tickets(const WaitingRoom::Round& round) {
  std::vector<WaitingRoom::Ticket> all;
  for (const auto& each : round.admitted) all.push_back(each.ticket);
  return all;
}

TEST(WaitingRoom, AdmitsAtOnceWhileThereIsRoomAndSaysWhenThereIsAgain) {
  Limits limits;
  WaitingRoom room;
  const auto first = *room.enter("a", {draw("x", 1)});
  const auto second = *room.enter("a", {draw("x", 1)});
  limits.now_ms = 10;
  const auto round = room.admit(limits.take());
  EXPECT_EQ(tickets(round), std::vector{first});
  EXPECT_EQ(round.wait_ms, 1'000);
  limits.now_ms = 1'009;
  EXPECT_TRUE(room.admit(limits.take()).admitted.empty());
  limits.now_ms = 1'010;
  const auto later = room.admit(limits.take());
  EXPECT_EQ(tickets(later), std::vector{second});
  EXPECT_EQ(later.wait_ms, std::nullopt);
  EXPECT_EQ(room.waiting(), 0u);
}

TEST(WaitingRoom, SharesALimitFairlyBetweenAHogAndANewcomer) {
  Limits limits;
  WaitingRoom room;
  std::map<WaitingRoom::Ticket, char> whose;
  for (int i = 0; i < 50; ++i) whose[*room.enter("hog", {draw("team", 2)})] = 'h';
  std::map<char, int> served;
  for (int second = 0; second < 10; ++second) {
    limits.now_ms = second * 1'000;
    if (second == 5)
      for (int i = 0; i < 5; ++i) whose[*room.enter("newcomer", {draw("team", 2)})] = 'n';
    for (const auto ticket : tickets(room.admit(limits.take()))) ++served[whose[ticket]];
  }
  EXPECT_EQ(served['h'], 15);  // all of five seconds, half of five
  EXPECT_EQ(served['n'], 5);
}

TEST(WaitingRoom, CountsSharesInUnitsAndNotInRequests) {
  Limits limits;
  WaitingRoom room;
  std::map<WaitingRoom::Ticket, char> whose;
  for (int i = 0; i < 20; ++i) whose[*room.enter("ten", {draw("team", 10, 10)})] = 't';
  for (int i = 0; i < 90; ++i) whose[*room.enter("one", {draw("team", 10, 1)})] = 'o';
  std::map<char, int> pictures;
  for (int second = 0; second < 10; ++second) {
    limits.now_ms = second * 1'000;
    for (const auto ticket : tickets(room.admit(limits.take())))
      pictures[whose[ticket]] += whose[ticket] == 't' ? 10 : 1;
  }
  EXPECT_EQ(pictures['t'], 50);
  EXPECT_EQ(pictures['o'], 50);
}

TEST(WaitingRoom, LetsNobodyPassInABucketThatRefusedTheFirst) {
  Limits limits;
  WaitingRoom room;
  const auto filler = *room.enter("z", {draw("team", 10, 5)});
  EXPECT_EQ(tickets(room.admit(limits.take())), std::vector{filler});
  const auto large = *room.enter("a", {draw("team", 10, 10)});
  const auto small = *room.enter("b", {draw("team", 10, 1)});  // would fit
  EXPECT_TRUE(room.admit(limits.take()).admitted.empty());
  limits.now_ms = 1'000;
  EXPECT_EQ(tickets(room.admit(limits.take())), std::vector{large});
  limits.now_ms = 2'000;
  EXPECT_EQ(tickets(room.admit(limits.take())), std::vector{small});
}

TEST(WaitingRoom, LetsOthersPassAKeyThatWaitsForItsOwnLimit) {
  Limits limits;
  WaitingRoom room;
  const auto slow = *room.enter("slow", {draw("slow", 1), draw("team", 10)});
  const auto slower = *room.enter("slow", {draw("slow", 1), draw("team", 10)});
  const auto other = *room.enter("other", {draw("other", 1), draw("team", 10)});
  EXPECT_EQ(tickets(room.admit(limits.take())), (std::vector{slow, other}));
  limits.now_ms = 1'000;
  EXPECT_EQ(tickets(room.admit(limits.take())), std::vector{slower});
}

TEST(WaitingRoom, ForgetsWhoeverLeft) {
  Limits limits;
  WaitingRoom room;
  room.leave(*room.enter("a", {draw("x", 1)}));
  EXPECT_EQ(room.waiting(), 0u);
  EXPECT_TRUE(room.admit(limits.take()).admitted.empty());
}

TEST(WaitingRoom, IsFullAtItsLimits) {
  WaitingRoom room({.waiting_max = 3, .waiting_per_key_max = 2});
  ASSERT_TRUE(room.enter("a", {}));
  ASSERT_TRUE(room.enter("a", {}));
  EXPECT_EQ(room.enter("a", {}).error().code, ErrorCode::resource_exhausted);
  ASSERT_TRUE(room.enter("b", {}));
  EXPECT_EQ(room.enter("c", {}).error().code, ErrorCode::resource_exhausted);
}

TEST(WaitingRoom, TurnsAwayWhatNeverFits) {
  Limits limits;
  WaitingRoom room;
  const auto ticket = *room.enter("a", {draw("x", 1, 2)});
  const auto round = room.admit(limits.take());
  EXPECT_EQ(tickets(round), std::vector{ticket});
  EXPECT_FALSE(round.admitted[0].verdict->admitted);
}

}  // namespace
}  // namespace imagined::service
