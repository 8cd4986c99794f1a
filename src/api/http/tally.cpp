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
  text.family("refusals_total", "counter", "Requests that were refused, by reason");
  for (const auto& [reason, count] : refusals_)
    text.sample("refusals_total", {{"reason", reason}}, count);
  text.family("cache_requests_total", "counter", "Requests for pictures, by the cache's part");
  for (const auto& [use, count] : cache_)
    text.sample("cache_requests_total", {{"result", use}}, count);
  text.family("pictures_total", "counter", "Pictures in replies");
  text.sample("pictures_total", {}, pictures_);
}

std::string_view refusal_word(const Error& error, bool over_limit) {
  switch (error.reason) {
    case ErrorReason::no_credentials:
    case ErrorReason::bad_credentials:
      return "credentials";
    case ErrorReason::wrong_scope:
      return "scope";
    case ErrorReason::insufficient_quota:
      return "quota";
    case ErrorReason::content_moderated:
      return "moderation";
    case ErrorReason::moderation_unavailable:
      return "moderation_unavailable";
    case ErrorReason::none:
      break;
  }
  if (over_limit) return "rate_limit";
  switch (error.code) {
    case ErrorCode::resource_exhausted:
      return "busy";
    case ErrorCode::unavailable:
      return "unavailable";
    case ErrorCode::storage_full:
      return "storage_full";
    default:
      return {};
  }
}

}  // namespace imagined::api
