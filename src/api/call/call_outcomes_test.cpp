#include "api/call/call_outcomes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "api/wire/metrics_text.h"

namespace imagined::api {
namespace {

using testing::HasSubstr;
using testing::Not;

std::string text_of(const CallOutcomes& outcomes) {
  wire::MetricsText text;
  text.gauges(outcomes.gauges());
  return std::move(text).take();
}

TEST(RefusalWord, TellsTheLimiterFromAFullQueueAndLeavesOutMistakes) {
  const Error exhausted{.code = ErrorCode::resource_exhausted};
  EXPECT_EQ(refusal_word(exhausted, true), "rate_limit");
  EXPECT_EQ(refusal_word(exhausted, false), "busy");
  EXPECT_EQ(refusal_word(
                {.code = ErrorCode::resource_exhausted, .reason = ErrorReason::insufficient_quota},
                false),
            "quota");
  EXPECT_EQ(refusal_word({.code = ErrorCode::invalid_argument}, false), "");
}

TEST(CallOutcomes, CountsRefusalsByReasonAndNotWhatTheCallerGotWrong) {
  CallOutcomes outcomes;
  outcomes.refused({.code = ErrorCode::resource_exhausted}, true);
  outcomes.refused({.code = ErrorCode::invalid_argument}, false);
  outcomes.refused_by_protocol();
  const std::string text = text_of(outcomes);
  EXPECT_THAT(text, HasSubstr("imagined_refusals_total{reason=\"rate_limit\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("imagined_refusals_total{reason=\"protocol\"} 1\n"));
  EXPECT_THAT(text, Not(HasSubstr("reason=\"\"")));
}

TEST(CallOutcomes, CountsPicturesAndWhatTheCacheGave) {
  CallOutcomes outcomes;
  outcomes.pictures(2);
  outcomes.pictures(1);
  outcomes.cache(service::CacheUse::hit);
  const std::string text = text_of(outcomes);
  EXPECT_THAT(text, HasSubstr("imagined_pictures_total 3\n"));
  EXPECT_THAT(text, HasSubstr("imagined_cache_requests_total{result=\"hit\"} 1\n"));
}

}  // namespace
}  // namespace imagined::api
