#include "api/http/tally.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace imagined::api {
namespace {

using testing::HasSubstr;

std::string text_of(const Tally& tally) {
  wire::MetricsText text;
  tally.write(text);
  return std::move(text).take();
}

TEST(Tally, CountsRequestsByRouteAndStatus) {
  Tally tally;
  tally.request({.method = "GET", .pattern = "/v1/models", .status = 200, .seconds = 0.002});
  tally.request({.method = "GET", .pattern = "/v1/models", .status = 200, .seconds = 0.002});
  tally.request({.method = "GET", .pattern = "/v1/models", .status = 401, .seconds = 0.002});
  const std::string text = text_of(tally);
  EXPECT_THAT(text, HasSubstr("imagined_http_requests_total{method=\"GET\",route=\"/v1/models\","
                              "status=\"200\"} 2\n"));
  EXPECT_THAT(text, HasSubstr("status=\"401\"} 1\n"));
}

TEST(Tally, PutsATimeIntoItsBucketAndAllLargerOnes) {
  Tally tally;
  tally.request({.method = "GET", .pattern = "/r", .status = 200, .seconds = 0.01});
  tally.request({.method = "GET", .pattern = "/r", .status = 200, .seconds = 1000});
  const std::string text = text_of(tally);
  EXPECT_THAT(text, HasSubstr("_bucket{route=\"/r\",le=\"0.005\"} 0\n"));
  EXPECT_THAT(text, HasSubstr("_bucket{route=\"/r\",le=\"0.01\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("_bucket{route=\"/r\",le=\"300\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("_bucket{route=\"/r\",le=\"+Inf\"} 2\n"));
  EXPECT_THAT(text, HasSubstr("_count{route=\"/r\"} 2\n"));
  EXPECT_THAT(text, HasSubstr("_sum{route=\"/r\"} 1000.01\n"));
}

TEST(Tally, KnowsHowManyConnectionsAreOpen) {
  Tally tally;
  tally.connected();
  tally.connected();
  tally.disconnected();
  EXPECT_THAT(text_of(tally), HasSubstr("imagined_http_connections 1\n"));
  EXPECT_THAT(text_of(tally), HasSubstr("imagined_http_connections_total 2\n"));
}

}  // namespace
}  // namespace imagined::api
