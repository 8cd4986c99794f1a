#include "api/call/loop.h"

#include <gtest/gtest.h>

#include <atomic>
#include <boost/asio/post.hpp>
#include <functional>
#include <future>
#include <memory>
#include <string>
#include <thread>

namespace imagined::api {
namespace {

class RunLoopTest : public testing::Test {
 protected:
  ~RunLoopTest() override { io_.stop(); }

  // What is done on the loop before this returns; false: nobody does it.
  bool is_done(const std::function<void()>& work = [] {}) {
    auto done = std::make_shared<std::promise<void>>();
    boost::asio::post(io_, [done, work] {
      done->set_value();
      work();
    });
    return done->get_future().wait_for(std::chrono::seconds(10)) == std::future_status::ready;
  }

  boost::asio::io_context io_{1};
  std::atomic<int> begun_ = 0;
  std::jthread thread_{[this] { run_loop(io_, [this] { ++begun_; }); }};
};

TEST_F(RunLoopTest, GoesOnWithNothingToDo) {
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(is_done());
  EXPECT_EQ(begun_, 1);
}

TEST_F(RunLoopTest, GoesOnWhenItsLastHandlerHasThrown) {
  ASSERT_TRUE(is_done([] { (void)std::string().at(1); }));
  ASSERT_TRUE(is_done());
  EXPECT_EQ(begun_, 2);
}

}  // namespace
}  // namespace imagined::api
