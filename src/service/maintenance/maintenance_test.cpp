#include "service/maintenance/maintenance.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <stdexcept>

namespace imagined::service {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kOnce = std::chrono::hours(1);
constexpr std::chrono::seconds kPatience{20};  // only a broken test waits so long

/// Raised at the n-th call of a duty.
class Calls {
 public:
  explicit Calls(int wanted) : wanted_(wanted) {}
  Duty duty(milliseconds interval, Result<int> result = 0) {
    return {.name = "test", .interval = interval, .run_once = [this, result](const auto&) {
              if (++count_ == wanted_) reached_.set_value();
              return result;
            }};
  }
  bool came() { return reached_.get_future().wait_for(kPatience) == std::future_status::ready; }
  int count() const { return count_; }

 private:
  const int wanted_;
  std::atomic<int> count_ = 0;
  std::promise<void> reached_;
};

TEST(Maintenance, DoesEachDutyAtOnceAndAtItsInterval) {
  Calls often(5);
  Calls once(1);
  Maintenance maintenance({once.duty(kOnce), often.duty(milliseconds(1))});
  maintenance.start();
  EXPECT_TRUE(often.came());
  maintenance.stop();
  EXPECT_EQ(once.count(), 1);
}

TEST(Maintenance, GoesOnAfterADutyThatFails) {
  Calls failing(3);
  Calls other(3);
  Maintenance maintenance(
      {failing.duty(milliseconds(1), fail(ErrorCode::unavailable, "the database is busy")),
       {.name = "throws",
        .interval = milliseconds(1),
        .run_once = [](const auto&) -> Result<int> { return std::vector<int>().at(1); }},
       other.duty(milliseconds(1))});
  maintenance.start();
  EXPECT_TRUE(failing.came());
  EXPECT_TRUE(other.came());
}

TEST(Maintenance, StopsADutyInTheMiddle) {
  std::promise<void> began;
  Maintenance maintenance(
      {{.name = "endless", .interval = kOnce, .run_once = [&](const auto& stop) {
          began.set_value();
          while (!stop.stop_requested()) std::this_thread::yield();
          return Result<int>(0);
        }}});
  maintenance.start();
  began.get_future().get();
  maintenance.stop();
  maintenance.stop();
}

TEST(Maintenance, MayBeStoppedBeforeItWasStarted) {
  Calls never(1);
  Maintenance maintenance({never.duty(kOnce)});
  maintenance.stop();
  EXPECT_EQ(never.count(), 0);
}

}  // namespace
}  // namespace imagined::service
