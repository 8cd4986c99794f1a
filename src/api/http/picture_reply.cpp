#include "api/http/picture_reply.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <mutex>
#include <optional>
#include <utility>

#include "api/wire/replies.h"
#include "base/crypto.h"

namespace imagined::api {
namespace {

using service::FinishedPictures;
using service::Job;
using service::JobState;
using service::StoredPicture;
using std::chrono::milliseconds;

// How a job ended, told from the watcher's thread to the coroutine that waits for it.
class Ending {
 public:
  void tell(const Result<Job>& job) {
    {
      const std::lock_guard lock(mutex_);
      job_ = job;
    }
    told_.raise();
  }
  std::optional<Result<Job>> take() {
    const std::lock_guard lock(mutex_);
    return std::exchange(job_, std::nullopt);
  }
  // Also returns at the limit and when the client has gone.
  Async<void> wait(milliseconds limit, std::stop_token client_gone) {
    return told_.wait(limit, std::move(client_gone));
  }

 private:
  std::mutex mutex_;
  std::optional<Result<Job>> job_;
  Signal told_;
};

// How long a request waits: for the time that an operator has set, or for as long as the work gets
// on. Looked at as often as the shorter one wants.
class Patience {
 public:
  using Clock = std::chrono::steady_clock;

  explicit Patience(const AnswerOptions& options)
      : total_(options.job_timeout), idle_(options.patience) {}

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

// The job in its final state. Given up when the client goes away or the time is over.
Async<Result<Job>> wait_for_job(const Context& context, Exchange& exchange, std::string job_id) {
  service::JobWatcher& watcher = context.services.watcher;
  Patience patience(context.options);
  Ending ending;
  auto waiter = watcher.watch(
      job_id,
      {.on_progress = {}, .on_end = [&ending](const Result<Job>& job) { ending.tell(job); }});
  while (true) {
    const auto pause = patience.until_next_look();
    if (pause.count() > 0 && !exchange.client_gone.stop_requested()) {
      co_await ending.wait(pause, exchange.client_gone);
    }
    if (auto job = ending.take()) co_return std::move(*job);
    const bool gone = exchange.client_gone.stop_requested();
    if (!gone && !patience.is_fixed() && patience.until_next_look().count() == 0) {
      const auto gets_on = co_await on_pool(
          context.pool, [&] { return context.services.images.gets_on(*exchange.caller, job_id); });
      patience.saw(!gets_on || *gets_on);  // a store that is busy says nothing about the job
    }
    if (!gone && !patience.is_over()) continue;
    const auto by = gone ? service::EndedBy::client_gone : service::EndedBy::deadline;
    auto job = co_await on_pool(context.pool, [&] { return watcher.give_up(waiter, by); });
    const bool done_at_last =
        job && service::is_final(job->state) && job->state != JobState::cancelled;
    if (done_at_last) co_return std::move(*job);
    if (gone) co_return fail(ErrorCode::cancelled, "the client has gone away");
    co_return tl::unexpected(patience.error());
  }
}

struct ReplyParts {
  const Context& context;
  const Exchange& exchange;
  const wire::GenerationCall& call;
  const FinishedPictures& finished;
};

// What was asked for and has no effect, by the form of the request and by the model.
std::vector<std::string> all_warnings(const ReplyParts& parts) {
  std::vector<std::string> all = parts.call.warnings;
  const std::vector<std::string>& read = parts.finished.reading.warnings;
  all.insert(all.end(), read.begin(), read.end());
  return all;
}

// A header's value is ASCII: other bytes, and the percent sign itself, are percent-encoded, as in
// gRPC's grpc-message. The body has the text as it is.
std::string header_value(std::string_view text) {
  std::string value;
  for (const char c : text) {
    if (c >= 0x20 && c <= 0x7E && c != '%') {
      value += c;
    } else {
      value += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return value;
}

// Bytes that the reply holds: of base64 about all of it.
std::size_t reply_bytes(const ReplyParts& parts) {
  std::size_t bytes = wire::kImagesBodyBytes;
  for (const StoredPicture& picture : parts.finished.pictures) {
    bytes += wire::kImageEntryBytes;
    if (parts.call.response_format != wire::ResponseFormat::url) {
      bytes += base64_size(static_cast<std::size_t>(picture.size_bytes));
    }
  }
  return bytes;
}

// Reads the pictures of a finished job, one at a time, into the reply; blocks on the stores.
Result<std::string> make_body(const ReplyParts& parts) {
  const Services& services = parts.context.services;
  const std::string base = base_url(parts.context.options, parts.exchange);
  wire::ImagesBody body(parts.finished.job.finished_ms / 1000, reply_bytes(parts));
  for (const StoredPicture& picture : parts.finished.pictures) {
    wire::ImageEntry entry{.mime_type = image::mime_type(picture.format)};
    if (parts.call.response_format != wire::ResponseFormat::b64_json) {
      entry.url = services.links.url_of(picture, base);
    }
    service::PictureFile file;
    if (parts.call.response_format != wire::ResponseFormat::url) {
      file = TRY(services.images.read_picture(*parts.exchange.caller, picture.id));
      entry.base64_of = file.bytes;
    }
    body.add(entry);
  }
  return std::move(body).finish({.cost_usd_ticks = parts.finished.cost_usd_ticks,
                                 .input_tokens = parts.finished.reading.tokens_read,
                                 .warnings = all_warnings(parts)});
}

}  // namespace

Async<Result<Response>> reply_when_made(const Context& context, Exchange& exchange,
                                        service::Order order, const wire::GenerationCall& call) {
  const Services& services = context.services;
  exchange.job_id = order.job.id;
  if (!service::is_final(order.job.state)) {
    auto ended = co_await wait_for_job(context, exchange, order.job.id);
    if (!ended) co_return tl::unexpected(std::move(ended.error()));
  }

  auto finished = co_await on_pool(
      context.pool, [&] { return services.images.finished(*exchange.caller, order); });
  if (!finished) co_return tl::unexpected(std::move(finished.error()));
  const ReplyParts parts{context, exchange, call, *finished};
  auto held = co_await context.budget.take(reply_bytes(parts), context.limits.held_wait,
                                           exchange.client_gone);
  if (!held) co_return fail(ErrorCode::unavailable, kTooManyReplies);
  auto body = co_await on_pool(context.pool, [&] { return make_body(parts); });
  if (!body) co_return tl::unexpected(std::move(body.error()));
  Response response = json_reply(std::move(*body));
  response.held = std::move(*held);
  response.headers.add("x-cache", std::string(service::to_string(order.cache)));
  for (const std::string& warning : all_warnings(parts)) {
    response.headers.add("x-imagined-warning", header_value(warning));
  }
  co_return response;
}

}  // namespace imagined::api
