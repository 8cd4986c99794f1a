#include "service/accounts/audit.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

namespace imagined::service {
namespace {

constexpr std::string_view kSecret = "secret";

struct Log {
  std::vector<AuditEvent> events;
  std::int64_t head_sequence = 0;
  std::string head_mac;
};

Log some_log(int count) {
  Log log;
  std::string before;
  for (int i = 1; i <= count; ++i) {
    AuditEvent event{.sequence = i,
                     .at_ms = 1'000 * i,
                     .deed = {.actor = "key:a",
                              .action = i % 2 == 0 ? "key.create" : "key.disable",
                              .target = "key:" + std::to_string(i),
                              .team_id = "red"}};
    event.hash = audit_hash(event, before);
    before = event.hash;
    log.events.push_back(event);
  }
  log.head_sequence = count;
  log.head_mac = audit_head_mac(count, before, kSecret);
  return log;
}

std::optional<std::int64_t> first_bad(const Log& log) {
  AuditCheck check;
  for (const AuditEvent& event : log.events) check.next(event);
  check.end(log.head_sequence, log.head_mac, kSecret);
  return check.first_bad();
}

TEST(AuditChain, IsRightAsWritten) {
  EXPECT_EQ(first_bad(some_log(20)), std::nullopt);
  EXPECT_EQ(first_bad(some_log(0)), std::nullopt);
}

TEST(AuditChain, CannotBeWrittenAnewWithoutTheSecret) {
  Log log = some_log(5);
  log.events.pop_back();
  log.head_sequence = 4;
  log.head_mac = audit_head_mac(4, log.events.back().hash, "a guess");
  EXPECT_EQ(first_bad(log), 5);
}

TEST(AuditChain, DoesNotConfuseFieldsThatTogetherSpellTheSame) {
  AuditEvent a{.deed = {.actor = "ab", .action = "c"}};
  AuditEvent b{.deed = {.actor = "a", .action = "bc"}};
  EXPECT_NE(audit_hash(a, ""), audit_hash(b, ""));
}

// One edit of a row, of any kind, at any place: found, and the first bad row is named.
TEST(AuditChain, NamesTheFirstRowThatWasTamperedWith) {
  std::mt19937 random(3);
  const auto uniform = [&random](std::size_t low, std::size_t high) {
    return std::uniform_int_distribution(low, high)(random);
  };
  for (int edit = 0; edit < 10'000; ++edit) {
    Log log = some_log(8);
    const std::size_t i = uniform(0, 7);
    auto& events = log.events;
    const auto place = events.begin() + static_cast<std::ptrdiff_t>(i);
    std::size_t expected = i + 1;
    switch (uniform(0, 6)) {
      case 0:
        events[i].deed.target += "x";
        break;
      case 1:
        events[i].at_ms += 1;
        break;
      case 2:
        events[i].deed.actor = "key:b";
        events[i].hash = audit_hash(events[i], i == 0 ? "" : events[i - 1].hash);
        expected = i + 2;  // the row itself is consistent: the next one no longer follows it
        break;
      case 3:
        events.erase(place);
        break;
      case 4:
        events.insert(place, events[uniform(0, 7)]);
        break;
      case 5: {
        const std::size_t j = uniform(0, 7);
        if (i == j) continue;
        std::swap(events[i], events[j]);
        expected = std::min(i, j) + 1;
        break;
      }
      default:
        events.erase(place, events.end());
    }
    // A row put in where its twin already stands is noticed at the row after.
    const auto bad = first_bad(log);
    ASSERT_TRUE(bad) << edit;
    ASSERT_GE(*bad, static_cast<std::int64_t>(expected)) << edit;
    ASSERT_LE(*bad, static_cast<std::int64_t>(expected) + 1) << edit;
  }
}

}  // namespace
}  // namespace imagined::service
