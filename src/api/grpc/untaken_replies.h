#pragma once

#include <chrono>
#include <map>
#include <mutex>

#include "api/grpc/call_times.h"

namespace imagined::api {

struct GrpcCall;

/// Calls that have ended here, and whose clients have not taken the end: HTTP/2 lets a client open
/// no window for it. One that does not in time is given up, and its memory is free. Any thread.
class UntakenReplies {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  explicit UntakenReplies(const CallTimes& times) : times_(times) {}

  /// Before gRPC is told of the end.
  void add(GrpcCall& call, TimePoint now);
  /// gRPC is done with it; when this returns, `drop_late` is, too.
  void taken(GrpcCall& call);
  /// Gives up what has not been taken by now.
  void drop_late(TimePoint now);

 private:
  const CallTimes times_;
  std::recursive_mutex mutex_;  // gRPC may say `taken` while it is told to give up
  std::map<GrpcCall*, TimePoint> until_;
};

}  // namespace imagined::api
