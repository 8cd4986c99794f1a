#include "storage/process/process_job_events.h"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <thread>

namespace imagined::storage {
namespace {

using service::JobEvent;
using service::Subscription;

JobEvent finished(std::string job_id) { return {.job_id = std::move(job_id)}; }

TEST(ProcessJobEvents, ReachesTheSubscribersOfTheJobOnly) {
  ProcessJobEvents events;
  int a = 0;
  int b = 0;
  const auto first = events.subscribe("a", [&](const JobEvent&) { ++a; });
  const auto second = events.subscribe("a", [&](const JobEvent&) { ++a; });
  const auto other = events.subscribe("b", [&](const JobEvent&) { ++b; });
  events.publish(finished("a"));
  EXPECT_EQ(a, 2);
  EXPECT_EQ(b, 0);
}

TEST(ProcessJobEvents, StopsWithTheSubscription) {
  ProcessJobEvents events;
  int told = 0;
  {
    const auto subscription = events.subscribe("a", [&](const JobEvent&) { ++told; });
  }
  events.publish(finished("a"));
  EXPECT_EQ(told, 0);
}

TEST(ProcessJobEvents, AllowsACallbackToEndItself) {
  ProcessJobEvents events;
  int told = 0;
  Subscription subscription;
  subscription = events.subscribe("a", [&](const JobEvent&) {
    ++told;
    subscription = {};
  });
  events.publish(finished("a"));
  events.publish(finished("a"));
  EXPECT_EQ(told, 1);
}

TEST(ProcessJobEvents, ASubscriptionMayOutliveTheEventsAndFreesItsCallbackInTheEnd) {
  auto held = std::make_shared<int>(0);
  const std::weak_ptr<int> watched = held;
  Subscription subscription;
  {
    ProcessJobEvents events;
    subscription = events.subscribe("a", [held = std::move(held)](const JobEvent&) { ++*held; });
    events.publish(finished("a"));
  }
  ASSERT_FALSE(watched.expired());
  EXPECT_EQ(*watched.lock(), 1);
  subscription = {};
  EXPECT_TRUE(watched.expired());
}

TEST(ProcessJobEvents, NoCallbackRunsAfterItsSubscriptionHasEnded) {
  ProcessJobEvents events;
  std::atomic<bool> ended = false;
  std::atomic<bool> late = false;
  std::atomic<int> told = 0;
  auto subscription = std::make_unique<Subscription>(events.subscribe("a", [&](const JobEvent&) {
    if (ended) late = true;
    ++told;
  }));
  std::jthread publisher([&](const std::stop_token& stop) {
    while (!stop.stop_requested()) events.publish(finished("a"));
  });
  while (told < 100) std::this_thread::yield();
  subscription.reset();
  ended = true;
  for (int i = 0; i < 1000; ++i) events.publish(finished("a"));
  publisher.request_stop();
  publisher.join();
  EXPECT_FALSE(late);
}

}  // namespace
}  // namespace imagined::storage
