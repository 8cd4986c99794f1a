#include "api/call/byte_budget.h"

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <optional>
#include <vector>

namespace imagined::api {
namespace {

namespace asio = boost::asio;
using std::chrono::milliseconds;

class ByteBudgetTest : public ::testing::Test {
 protected:
  using Held = std::optional<ByteBudget::Hold>;

  // Starts to wait for `bytes`; the order of those that got them is `order_`.
  void take(std::size_t bytes, Held& held, milliseconds limit = std::chrono::hours(1),
            std::stop_token stop = {}) {
    asio::co_spawn(loop_, waiter(bytes, held, limit, stop), asio::detached);
    run();
  }
  void run() {
    loop_.restart();
    loop_.poll();
  }

  asio::io_context loop_{1};
  ByteBudget budget_{100};
  std::vector<std::size_t> order_;

 private:
  Async<void> waiter(std::size_t bytes, Held& held, milliseconds limit, std::stop_token stop) {
    held = co_await budget_.take(bytes, limit, stop);
    if (held) order_.push_back(bytes);
  }
};

TEST_F(ByteBudgetTest, GivesBackWithTheHold) {
  Held hold = budget_.try_take(60);
  ASSERT_TRUE(hold);
  EXPECT_FALSE(budget_.try_take(41));
  EXPECT_TRUE(budget_.try_take(40));
  hold.reset();
  EXPECT_EQ(budget_.held_bytes(), 0u);
}

TEST_F(ByteBudgetTest, GivesBackWhatIsNotNeededAfterAll) {
  Held hold = budget_.try_take(100);
  ASSERT_TRUE(hold);
  hold->shrink(30);
  EXPECT_EQ(budget_.held_bytes(), 30u);
  hold->shrink(40);
  EXPECT_EQ(budget_.held_bytes(), 30u);
  hold.reset();
  EXPECT_EQ(budget_.held_bytes(), 0u);
}

TEST_F(ByteBudgetTest, LetsWhatIsLargerThanAllOfItPassAlone) {
  Held large = budget_.try_take(500);
  ASSERT_TRUE(large);
  EXPECT_FALSE(budget_.try_take(1));
  large.reset();
  const Held small = budget_.try_take(1);
  EXPECT_FALSE(budget_.try_take(500));
}

TEST_F(ByteBudgetTest, ServesThoseWhoWaitInTheirOrder) {
  Held first = budget_.try_take(90);
  Held large, small;
  take(80, large);
  take(5, small);  // there would be room for it
  EXPECT_TRUE(order_.empty());
  EXPECT_FALSE(budget_.try_take(5));
  first.reset();
  run();
  EXPECT_EQ(order_, (std::vector<std::size_t>{80, 5}));
}

TEST_F(ByteBudgetTest, GivesUpAtTheLimitAndLetsTheNextOnePass) {
  Held first = budget_.try_take(90);
  Held large, small;
  take(80, large, milliseconds(0));
  take(5, small);
  run();
  EXPECT_FALSE(large);
  EXPECT_TRUE(small);
}

TEST_F(ByteBudgetTest, GivesUpWhenItIsToldTo) {
  Held first = budget_.try_take(90);
  Held large;
  std::stop_source stop;
  take(80, large, std::chrono::hours(1), stop.get_token());
  stop.request_stop();
  run();
  first.reset();
  run();
  EXPECT_FALSE(large);
  EXPECT_EQ(budget_.held_bytes(), 0u);
}

}  // namespace
}  // namespace imagined::api
