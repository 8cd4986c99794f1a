#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <string_view>

#include "base/result.h"
#include "service/cache/picture_cache.h"
#include "service/gauges/gauge.h"

namespace imagined::api {

/// What calls have come to since the server began, whichever face they came to. Any thread; all
/// words are of lists of ours, so that no client makes it grow.
class CallOutcomes {
 public:
  /// Of an error that a client was answered with; `over_limit`: it is the limiter's.
  void refused(const Error& error, bool over_limit);
  /// Of a call that no rule of HTTP or gRPC allows, so that no handler has seen it.
  void refused_by_protocol();
  void pictures(std::int64_t count);
  /// A reply that might have come from the cache.
  void cache(service::CacheUse use);

  service::Gauges gauges() const;

 private:
  mutable std::mutex mutex_;
  std::map<std::string_view, std::int64_t> refusals_;  // by reason
  std::map<std::string_view, std::int64_t> cache_;
  std::int64_t pictures_ = 0;
};

/// The word for an error that a client was answered with, as far as operators count it; empty for
/// others. `over_limit`: it is the limiter's.
std::string_view refusal_word(const Error& error, bool over_limit);

}  // namespace imagined::api
