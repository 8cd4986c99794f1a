#include "api/call/job_wait.h"

#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <mutex>
#include <optional>
#include <utility>

#include "api/call/last_words.h"
#include "service/pictures/picture_request.h"

namespace imagined::api {
namespace {

using service::Job;
using service::JobEvent;
using service::JobState;
using std::chrono::milliseconds;

// A job tells of no more; what comes faster than it is sent is not kept.
constexpr std::size_t kPreviewsKept = service::kPictureCountMax * service::kPreviewsMax;

}  // namespace

// What the watcher's threads tell the coroutine that waits.
class JobWait::Bell {
 public:
  void tell(const JobEvent& event) {
    if (event.kind != JobEvent::Kind::preview) return;
    {
      const std::lock_guard lock(mutex_);
      if (previews_.size() < kPreviewsKept) previews_.push_back(event);
    }
    told_.raise();
  }
  void tell(const Result<Job>& job) {
    {
      const std::lock_guard lock(mutex_);
      end_ = job;
    }
    told_.raise();
  }
  /// Previews first: they were told of before the end.
  Moment take() {
    const std::lock_guard lock(mutex_);
    if (!previews_.empty()) {
      Moment first = std::move(previews_.front());
      previews_.pop_front();
      return first;
    }
    if (end_) return std::move(*std::exchange(end_, std::nullopt));
    return {};
  }
  // Also returns at the limit and when the client has gone.
  Async<void> wait(milliseconds limit, std::stop_token client_gone) {
    return told_.wait(limit, std::move(client_gone));
  }

 private:
  std::mutex mutex_;
  std::deque<JobEvent> previews_;
  std::optional<Result<Job>> end_;
  Signal told_;
};

// How long is waited. Looked at as often as the shorter time wants.
class JobWait::Patience {
 public:
  using Clock = std::chrono::steady_clock;

  explicit Patience(const WaitTimes& times) : total_(times.total), idle_(times.idle) {}

  milliseconds until_next_look() const {
    const auto next = is_fixed() ? begin_ + total_ : looked_ + idle_ / kLooks;
    return std::max(std::chrono::ceil<milliseconds>(next - Clock::now()), milliseconds(0));
  }
  bool is_fixed() const { return total_.count() > 0; }
  /// To be told at each look, without a fixed time.
  void saw(bool gets_on) {
    looked_ = Clock::now();
    if (gets_on) moved_ = looked_;
  }
  bool is_over() const {
    return is_fixed() ? Clock::now() >= begin_ + total_ : looked_ >= moved_ + idle_;
  }
  Error error() const {
    return {.code = ErrorCode::deadline_exceeded,
            .message = is_fixed() ? fmt::format("the pictures were not finished within {} s (the "
                                                "server's job_timeout_s)",
                                                total_.count() / 1000)
                                  : fmt::format("no worker has been at work for {} s",
                                                idle_.count() / 1000)};
  }

 private:
  static constexpr int kLooks = 30;  // so many until nothing has moved for too long

  const milliseconds total_;
  const milliseconds idle_;
  const Clock::time_point begin_ = Clock::now();
  Clock::time_point looked_ = begin_;
  Clock::time_point moved_ = begin_;
};

JobWait::JobWait(const CallContext& context, const Call& call, std::string job_id, Wants wants)
    : context_(context),
      call_(call),
      job_id_(std::move(job_id)),
      bell_(std::make_shared<Bell>()),
      patience_(std::make_unique<Patience>(context.wait)) {
  service::JobWatcher::Callbacks callbacks{
      .on_progress = {}, .on_end = [bell = bell_](const Result<Job>& job) { bell->tell(job); }};
  if (wants == Wants::previews)
    callbacks.on_progress = [bell = bell_](const JobEvent& event) { bell->tell(event); };
  waiter_ = std::make_unique<service::JobWatcher::Waiter>(
      context.services.watcher.watch(job_id_, std::move(callbacks)));
}

JobWait::~JobWait() = default;

Async<JobWait::Moment> JobWait::next(std::stop_token client_gone, milliseconds limit) {
  const auto until = std::chrono::steady_clock::now() + limit;
  while (true) {
    const auto left = std::chrono::ceil<milliseconds>(until - std::chrono::steady_clock::now());
    const auto pause = std::min(patience_->until_next_look(), std::max(left, milliseconds(0)));
    if (pause.count() > 0 && !client_gone.stop_requested())
      co_await bell_->wait(pause, client_gone);
    // Before the previews, which nobody would see. A job that has ended stays as it is.
    if (client_gone.stop_requested()) co_return co_await give_up(service::EndedBy::client_gone);
    Moment told = bell_->take();
    if (std::holds_alternative<Result<Job>>(told)) waiter_ = nullptr;
    if (!std::holds_alternative<std::monostate>(told)) co_return told;
    if (!patience_->is_fixed() && patience_->until_next_look().count() == 0) {
      const auto gets_on = co_await on_pool(
          context_.pool, [&] { return context_.services.images.gets_on(*call_.caller, job_id_); });
      patience_->saw(!gets_on || *gets_on);  // a store that is busy says nothing about the job
    }
    if (patience_->is_over()) co_return co_await give_up(service::EndedBy::deadline);
    if (std::chrono::steady_clock::now() >= until) co_return Moment();
  }
}

Async<Result<Job>> JobWait::give_up(service::EndedBy by) {
  const auto waiter = std::exchange(waiter_, nullptr);
  if (call_.server_ends.stop_requested()) co_return tl::unexpected(stopping_error());
  auto job = co_await on_pool(context_.pool,
                              [&] { return context_.services.watcher.give_up(*waiter, by); });
  if (job && service::is_final(job->state) && job->state != JobState::cancelled) co_return job;
  if (by == service::EndedBy::client_gone)
    co_return fail(ErrorCode::cancelled, "the client has gone away");
  co_return tl::unexpected(patience_->error());
}

namespace {

/// The job in its final state.
Async<Result<Job>> wait_for_end(const CallContext& context, const Call& call, std::string job_id) {
  constexpr std::chrono::hours kLong{1};  // it says itself when it is over
  JobWait wait(context, call, std::move(job_id), JobWait::Wants::end);
  while (true) {
    JobWait::Moment moment = co_await wait.next(call.client_gone, kLong);
    if (auto* end = std::get_if<Result<Job>>(&moment)) co_return std::move(*end);
  }
}

}  // namespace

Async<Result<service::FinishedPictures>> finished(const CallContext& context, Call& call,
                                                  const service::Order& order) {
  service::ImageService& images = context.services.images;
  if (!service::is_final(order.job.state)) {
    auto ended = co_await wait_for_end(context, call, order.job.id);
    if (!ended) co_return tl::unexpected(std::move(ended.error()));
  }
  co_return co_await on_pool(context.pool, [&] {
    auto made = images.finished(*call.caller, order);
    if (!made) call.charged_usd_ticks = images.charged(*call.caller, order.job.id).value_or(0);
    return made;
  });
}

}  // namespace imagined::api
