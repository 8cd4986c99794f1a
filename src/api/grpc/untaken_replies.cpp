#include "api/grpc/untaken_replies.h"

#include <algorithm>

#include "api/grpc/call.h"
#include "base/log.h"

namespace imagined::api {

void UntakenReplies::add(GrpcCall& call, TimePoint now) {
  const std::chrono::milliseconds at_its_rate(call.reply_bytes * 1000 /
                                              times_.reply_bytes_per_s_min);
  const std::lock_guard lock(mutex_);
  until_[&call] = now + times_.reply + at_its_rate;
}

void UntakenReplies::taken(GrpcCall& call) {
  const std::lock_guard lock(mutex_);
  until_.erase(&call);
}

void UntakenReplies::drop_late(TimePoint now) {
  const std::lock_guard lock(mutex_);
  while (true) {
    const auto late =
        std::ranges::find_if(until_, [&](const auto& entry) { return entry.second <= now; });
    if (late == until_.end()) return;
    GrpcCall& call = *late->first;
    until_.erase(late);
    log(LogLevel::info, "grpc_reply_dropped", "request_id={} client={} method={} reason={:?}",
        call.id, call.client, call.method, "the client does not take it");
    call.wire.TryCancel();
  }
}

}  // namespace imagined::api
