#include "api/call/call_outcomes.h"

#include <string>

namespace imagined::api {

using service::Gauge;

void CallOutcomes::refused(const Error& error, bool over_limit) {
  const std::string_view word = refusal_word(error, over_limit);
  if (word.empty()) return;
  const std::lock_guard lock(mutex_);
  ++refusals_[word];
}

void CallOutcomes::refused_by_protocol() {
  const std::lock_guard lock(mutex_);
  ++refusals_["protocol"];
}

void CallOutcomes::pictures(std::int64_t count) {
  const std::lock_guard lock(mutex_);
  pictures_ += count;
}

void CallOutcomes::cache(service::CacheUse use) {
  const std::lock_guard lock(mutex_);
  ++cache_[service::to_string(use)];
}

service::Gauges CallOutcomes::gauges() const {
  const std::lock_guard lock(mutex_);
  service::Gauges all = {{.name = "pictures_total",
                          .help = "Pictures in replies",
                          .kind = Gauge::Kind::counter,
                          .labels = {},
                          .value = pictures_}};
  for (const auto& [reason, count] : refusals_)
    all.push_back({.name = "refusals_total",
                   .help = "Requests that were refused, by reason",
                   .kind = Gauge::Kind::counter,
                   .labels = {{"reason", std::string(reason)}},
                   .value = count});
  for (const auto& [use, count] : cache_)
    all.push_back({.name = "cache_requests_total",
                   .help = "Requests for pictures, by the cache's part",
                   .kind = Gauge::Kind::counter,
                   .labels = {{"result", std::string(use)}},
                   .value = count});
  return all;
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
