#include "service/upstreams/upstreams.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/clock.h"

namespace imagined::service {
namespace {

using ::testing::ElementsAre;

class UpstreamsTest : public ::testing::Test {
 protected:
  std::vector<std::string> asked(std::string_view model) {
    std::vector<std::string> names;
    for (const UpstreamRoute& route : upstreams_.routes(model))
      names.push_back(route.upstream->name + ":" + std::string(route.model));
    return names;
  }

  ManualClock clock_;
  Upstreams upstreams_{{{.name = "a", .models = {{"m", "m-there"}, {"only", "only"}}},
                        {.name = "b", .models = {{"m", "m"}}}},
                       clock_};
};

TEST_F(UpstreamsTest, AreAskedInTheirOrder) {
  EXPECT_THAT(asked("m"), ElementsAre("a:m-there", "b:m"));
  EXPECT_THAT(asked("only"), ElementsAre("a:only"));
  EXPECT_THAT(asked("nobody"), ElementsAre());
  EXPECT_TRUE(upstreams_.has("m"));
  EXPECT_FALSE(upstreams_.has("m-there"));
  EXPECT_EQ(upstreams_.models().find("m")->second->name, "a");
}

TEST_F(UpstreamsTest, WhoFailsAgainAndAgainComesLastForAWhile) {
  const Upstream& first = *upstreams_.routes("m").front().upstream;
  for (int i = 0; i < Breaker::kFailuresMax; ++i) {
    EXPECT_THAT(asked("m"), ElementsAre("a:m-there", "b:m"));
    upstreams_.failed(first);
  }
  EXPECT_THAT(asked("m"), ElementsAre("b:m", "a:m-there"));
  EXPECT_THAT(asked("only"), ElementsAre("a:only"));  // nobody else is there
  clock_.advance_ms(Breaker::kPauseMs);
  EXPECT_THAT(asked("m"), ElementsAre("a:m-there", "b:m"));  // one tries
  EXPECT_THAT(asked("m"), ElementsAre("b:m", "a:m-there"));  // the others wait for how it went
  upstreams_.succeeded(first);
  EXPECT_THAT(asked("m"), ElementsAre("a:m-there", "b:m"));
}

TEST_F(UpstreamsTest, WhoLacksResponsesForAModelIsAskedAgainAfterAWhile) {
  const auto routes = upstreams_.routes("m");
  EXPECT_TRUE(upstreams_.may_have_responses(routes[0]));
  upstreams_.lacks_responses(routes[0]);
  EXPECT_TRUE(upstreams_.may_have_responses(routes[0]));  // it was never asked there
  upstreams_.missed_responses(routes[0]);
  EXPECT_TRUE(upstreams_.may_have_responses(routes[0]));
  upstreams_.lacks_responses(routes[0]);
  EXPECT_FALSE(upstreams_.may_have_responses(upstreams_.routes("m")[0]));
  EXPECT_TRUE(upstreams_.may_have_responses(routes[1]));                     // another server
  EXPECT_TRUE(upstreams_.may_have_responses(upstreams_.routes("only")[0]));  // another model
  clock_.advance_ms(10 * 60'000);
  EXPECT_TRUE(upstreams_.may_have_responses(routes[0]));
}

TEST(Upstreams, ThatMakeAModelAreNotAskedToTalkAboutIt) {
  const ManualClock clock;
  Upstreams upstreams({{.name = "a", .models = {{"m", "m"}}, .makers = {{"draws", "d"}}},
                       {.name = "b", .makers = {{"draws", "draws"}}}},
                      clock);
  ASSERT_EQ(upstreams.makers("draws").size(), 2u);
  EXPECT_EQ(upstreams.makers("draws").front().model, "d");
  EXPECT_TRUE(upstreams.routes("draws").empty());
  EXPECT_TRUE(upstreams.makers("m").empty());
  EXPECT_FALSE(upstreams.has("draws"));
}

TEST(UpstreamCost, IsWhatTheUpstreamSaysOrElseByItsPrices) {
  const Upstream upstream{.price_input_usd_ticks = 2'500'000, .price_output_usd_ticks = 1};
  EXPECT_EQ(cost_of(upstream, {.input = 3, .output = 7}), 7);  // 7.5, and less than one
  EXPECT_EQ(cost_of(upstream, {.input = 2'000'000, .output = 3'000'000}), 5'000'003);
  EXPECT_EQ(cost_of(upstream, {.input = 3, .output = 7, .cost_usd_ticks = 0}), 0);
  const Upstream dear{.price_input_usd_ticks = 10'000'000'000'000};
  EXPECT_EQ(cost_of(dear, {.input = 1'000'000'000}), 10'000'000'000'000'000);
}

}  // namespace
}  // namespace imagined::service
