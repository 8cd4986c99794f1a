// What has happened on the loop's thread since the server began: requests and connections.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string_view>
#include <utility>

#include "api/wire/metrics_text.h"

namespace imagined::api {

/// Only the loop's thread uses it. All words are of lists of ours, so that no client makes it grow.
class Tally {
 public:
  /// How a request has ended. `method` and `pattern` are those of the route.
  struct Ended {
    std::string_view method;
    std::string_view pattern;
    int status = 0;
    double seconds = 0;
  };
  void request(const Ended& ended);
  void connected() { ++connections_, ++connected_; }
  void disconnected() { --connections_; }

  void write(wire::MetricsText& text) const;

 private:
  // Upper ends of the histogram's buckets, in seconds; the last holds the rest.
  static constexpr std::array kBuckets = {0.001, 0.005, 0.01, 0.05, 0.1, 0.25, 0.5,
                                          1.0,   2.5,   5.0,  10.0, 30., 60.,  300.};
  struct Times {
    std::array<std::int64_t, kBuckets.size() + 1> counts{};
    double sum_s = 0;
  };
  using Route = std::pair<std::string_view, std::string_view>;

  std::map<std::pair<Route, int>, std::int64_t> requests_;
  std::map<std::string_view, Times> times_;  // by pattern
  std::int64_t connections_ = 0;
  std::int64_t connected_ = 0;
};

}  // namespace imagined::api
