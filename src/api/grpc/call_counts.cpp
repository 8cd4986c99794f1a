#include "api/grpc/call_counts.h"

#include <string>

namespace imagined::api {

using service::Gauge;

void CallCounts::ended(std::string_view method, std::string_view code,
                       std::chrono::duration<double> took) {
  const std::lock_guard lock(mutex_);
  ++calls_[{method, code}];
  seconds_[method] += took.count();
}

service::Gauges CallCounts::gauges() const {
  const std::lock_guard lock(mutex_);
  service::Gauges all = {Gauge{.name = "grpc_connections",
                               .help = "Open connections of gRPC.",
                               .labels = {},
                               .value = connections_.load()}};
  for (const auto& [what, count] : calls_)
    all.push_back(
        Gauge{.name = "grpc_calls_total",
              .help = "Calls of gRPC that have ended.",
              .kind = Gauge::Kind::counter,
              .labels = {{"method", std::string(what.first)}, {"code", std::string(what.second)}},
              .value = count});
  for (const auto& [method, seconds] : seconds_)
    all.push_back(Gauge{.name = "grpc_call_seconds_total",
                        .help = "Time that calls of gRPC have taken.",
                        .kind = Gauge::Kind::counter,
                        .labels = {{"method", std::string(method)}},
                        .value = seconds});
  return all;
}

}  // namespace imagined::api
