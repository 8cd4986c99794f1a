#include "api/http/tally.h"

#include <fmt/format.h>

#include <algorithm>

namespace imagined::api {

void Tally::request(const Ended& ended) {
  ++requests_[{{ended.method, ended.pattern}, ended.status}];
  Times& times = times_[ended.pattern];
  const auto bucket = std::ranges::lower_bound(kBuckets, ended.seconds) - kBuckets.begin();
  ++times.counts[static_cast<std::size_t>(bucket)];
  times.sum_s += ended.seconds;
}

void Tally::write(wire::MetricsText& text) const {
  text.family("http_requests_total", "counter", "Requests that were answered");
  for (const auto& [key, count] : requests_) {
    const auto& [route, status] = key;
    text.sample(
        "http_requests_total",
        {{"method", route.first}, {"route", route.second}, {"status", std::to_string(status)}},
        count);
  }
  text.family("http_request_duration_seconds", "histogram",
              "From a request's head to its reply's, waiting for pictures included");
  for (const auto& [pattern, times] : times_) {
    std::int64_t count = 0;
    for (std::size_t i = 0; i < times.counts.size(); ++i) {
      count += times.counts[i];
      const std::string end = i < kBuckets.size() ? fmt::format("{}", kBuckets[i]) : "+Inf";
      text.sample("http_request_duration_seconds_bucket", {{"route", pattern}, {"le", end}}, count);
    }
    text.sample("http_request_duration_seconds_sum", {{"route", pattern}}, times.sum_s);
    text.sample("http_request_duration_seconds_count", {{"route", pattern}}, count);
  }
  text.family("http_connections", "gauge", "Open connections");
  text.sample("http_connections", {}, connections_);
  text.family("http_connections_total", "counter", "Connections that were taken");
  text.sample("http_connections_total", {}, connected_);
}

}  // namespace imagined::api
