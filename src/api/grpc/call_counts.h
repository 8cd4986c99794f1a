#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <map>
#include <mutex>
#include <string_view>
#include <utility>

#include "service/gauges/gauge.h"

namespace imagined::api {

/// How many calls have ended how, and the connections, for the metrics. Any thread; methods are
/// words of ours.
class CallCounts {
 public:
  void ended(std::string_view method, std::string_view code, std::chrono::duration<double> took);
  service::Gauges gauges() const;

  void connected() { ++connections_; }
  void disconnected() { --connections_; }
  bool has_connections() const { return connections_ > 0; }

 private:
  std::atomic<std::int64_t> connections_ = 0;  // open now
  mutable std::mutex mutex_;
  std::map<std::pair<std::string_view, std::string_view>, std::int64_t> calls_;
  std::map<std::string_view, double> seconds_;  // by method
};

}  // namespace imagined::api
