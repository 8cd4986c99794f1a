// Waiting for a job on behalf of one client: for the reply that has its pictures, or for a stream
// of events.
#pragma once

#include <chrono>
#include <memory>
#include <stop_token>
#include <string>
#include <variant>

#include "api/call/call.h"
#include "service/jobs/job_watcher.h"
#include "service/ports/job_events.h"

namespace imagined::api {

/// Waits for the time that an operator has set, or for as long as the work gets on.
class JobWait {
 public:
  enum class Wants : std::uint8_t { end, previews };

  /// `context` and `call` must outlive it.
  JobWait(const CallContext& context, const Call& call, std::string job_id, Wants wants);
  ~JobWait();
  JobWait(const JobWait&) = delete;
  JobWait& operator=(const JobWait&) = delete;

  /// Nothing, a preview, or the end.
  using Moment = std::variant<std::monostate, service::JobEvent, Result<service::Job>>;

  /// What happens next, or nothing when `limit` has passed. The end is the job in its final state,
  /// or why it was not waited for: then it is given up, unless somebody else waits for it, it has
  /// an idempotency key, or it is the server that ends. Not to be called after it.
  Async<Moment> next(std::stop_token client_gone, std::chrono::milliseconds limit);

 private:
  class Bell;
  class Patience;

  Async<Result<service::Job>> give_up(service::EndedBy by);

  const CallContext& context_;
  const Call& call_;
  const std::string job_id_;
  std::shared_ptr<Bell> bell_;
  std::unique_ptr<Patience> patience_;
  std::unique_ptr<service::JobWatcher::Waiter> waiter_;  // null: over
};

/// What an order has made, when it is made; it is given up when the client goes away or the time is
/// over. Of one that has come to nothing the call says what was charged.
Async<Result<service::FinishedPictures>> finished(const CallContext& context, Call& call,
                                                  const service::Order& order);

}  // namespace imagined::api
