// What every CacheStore promises; those under test keep at most three entries.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/clock.h"
#include "service/ports/cache_store.h"

namespace imagined::service {

struct CacheStoreUnderTest {
  std::shared_ptr<ManualClock> clock;
  std::shared_ptr<void> keeper;
  std::unique_ptr<CacheStore> store;
};

using MakeCacheStore = std::function<CacheStoreUnderTest()>;

class CacheStoreContract : public testing::TestWithParam<MakeCacheStore> {
 protected:
  CacheStoreContract()
      : under_test_(GetParam()()), clock_(*under_test_.clock), store_(*under_test_.store) {}

  void put(std::string team, std::string key, std::string job, std::int64_t life_ms = 1000) {
    ASSERT_TRUE(
        store_.put({std::move(team), std::move(key), std::move(job), clock_.unix_ms() + life_ms}));
  }
  std::string find(std::string_view team, std::string_view key) {
    return store_.find(team, key)->value_or("none");
  }

  CacheStoreUnderTest under_test_;
  ManualClock& clock_;
  CacheStore& store_;
};

TEST_P(CacheStoreContract, FindsWhatATeamHasPutAndNoOther) {
  put("red", "k", "job1");
  EXPECT_EQ(find("red", "k"), "job1");
  EXPECT_EQ(find("blue", "k"), "none");
  EXPECT_EQ(find("red", "other"), "none");
  put("blue", "k", "job2");
  EXPECT_EQ(find("red", "k"), "job1");
  EXPECT_EQ(find("blue", "k"), "job2");
}

TEST_P(CacheStoreContract, TheLastJobUnderAKeyCounts) {
  put("red", "k", "job1");
  put("red", "k", "job2");
  EXPECT_EQ(find("red", "k"), "job2");
}

TEST_P(CacheStoreContract, FindsNothingThatHasExpired) {
  put("red", "k", "job1", 1000);
  clock_.advance_ms(999);
  EXPECT_EQ(find("red", "k"), "job1");
  clock_.advance_ms(1);
  EXPECT_EQ(find("red", "k"), "none");
}

TEST_P(CacheStoreContract, RemovesAnEntryUnlessItNamesAnotherJobByNow) {
  put("red", "k", "job2");
  ASSERT_TRUE(store_.remove("red", "k", "job1"));
  ASSERT_TRUE(store_.remove("blue", "k", "job2"));
  EXPECT_EQ(find("red", "k"), "job2");
  ASSERT_TRUE(store_.remove("red", "k", "job2"));
  EXPECT_EQ(find("red", "k"), "none");
}

TEST_P(CacheStoreContract, WhenItIsFullThoseGoThatWouldExpireFirst) {
  put("red", "a", "job1", 300);
  put("red", "b", "job2", 100);
  put("red", "c", "job3", 200);
  put("red", "d", "job4", 400);
  EXPECT_EQ(find("red", "b"), "none");
  EXPECT_EQ(find("red", "a"), "job1");
  EXPECT_EQ(find("red", "c"), "job3");
  put("red", "c", "job5", 500);
  EXPECT_EQ(find("red", "a"), "job1") << "a key that is put again takes no more room";
}

TEST_P(CacheStoreContract, RemovesWhatHasExpiredSomeAtATime) {
  put("red", "a", "job1", 100);
  put("red", "b", "job2", 100);
  put("red", "c", "job3", 300);
  EXPECT_EQ(*store_.remove_expired(10), 0);
  clock_.advance_ms(200);
  EXPECT_EQ(*store_.remove_expired(1), 1);
  EXPECT_EQ(*store_.remove_expired(10), 1);
  EXPECT_EQ(*store_.remove_expired(10), 0);
  EXPECT_EQ(find("red", "c"), "job3");
}

}  // namespace imagined::service
