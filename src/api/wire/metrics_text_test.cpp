#include "api/wire/metrics_text.h"

#include <gtest/gtest.h>

namespace imagined::api::wire {
namespace {

TEST(MetricsText, WritesAFamilyAndItsSamples) {
  MetricsText text;
  text.family("requests_total", "counter", "Requests");
  text.sample("requests_total", {{"route", "/v1/models"}, {"status", "200"}}, std::int64_t{7});
  text.sample("requests_total", {}, 0.25);
  EXPECT_EQ(std::move(text).take(),
            "# HELP imagined_requests_total Requests.\n"
            "# TYPE imagined_requests_total counter\n"
            "imagined_requests_total{route=\"/v1/models\",status=\"200\"} 7\n"
            "imagined_requests_total 0.25\n");
}

TEST(MetricsText, EscapesWhatWouldEndALabelOrALine) {
  MetricsText text;
  text.sample("a", {{"model", "x\"} 1\\\n# TYPE"}}, std::int64_t{1});
  EXPECT_EQ(std::move(text).take(), "imagined_a{model=\"x\\\"} 1\\\\\\n# TYPE\"} 1\n");
}

TEST(MetricsText, NamesEachFamilyOfGaugesOnceAndKeepsWholeNumbersWhole) {
  MetricsText text;
  text.gauges(
      {{.name = "jobs", .help = "Jobs", .labels = {{"state", "queued"}}, .value = std::int64_t{1}},
       {.name = "jobs", .help = "Jobs", .labels = {{"state", "running"}}, .value = std::int64_t{2}},
       {.name = "paid_total",
        .help = "Paid",
        .kind = service::Gauge::Kind::counter,
        .value = std::int64_t{9'007'199'254'740'993}}});
  EXPECT_EQ(std::move(text).take(),
            "# HELP imagined_jobs Jobs.\n"
            "# TYPE imagined_jobs gauge\n"
            "imagined_jobs{state=\"queued\"} 1\n"
            "imagined_jobs{state=\"running\"} 2\n"
            "# HELP imagined_paid_total Paid.\n"
            "# TYPE imagined_paid_total counter\n"
            "imagined_paid_total 9007199254740993\n");
}

}  // namespace
}  // namespace imagined::api::wire
