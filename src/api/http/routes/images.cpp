#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "api/http/routes.h"
#include "api/wire/image_request.h"
#include "api/wire/replies.h"
#include "base/crypto.h"

namespace imagined::api {
namespace {

using service::Job;
using service::JobState;
using service::StoredPicture;
using std::chrono::milliseconds;

// Events may be lost (job_events.h), so a waiting request looks at the row this often.
constexpr milliseconds kLookInterval{1'000};

Error error_of(const Job& job) {
  if (job.error) return *job.error;
  if (job.state == JobState::cancelled) return {ErrorCode::cancelled, "the job was cancelled"};
  return {ErrorCode::internal, "the job failed without a reason"};
}

// The job in its final state. It is cancelled when the client goes away or the time is over.
Async<Result<Job>> wait_for_job(const Context& context, Exchange& exchange, Job job) {
  const Services& services = context.services;
  const std::string id = job.id;
  const auto end = std::chrono::steady_clock::now() + context.options.job_timeout;
  Signal signal;
  const service::Subscription subscription =
      services.events.subscribe(id, [&signal](const service::JobEvent& event) {
        if (event.kind == service::JobEvent::Kind::finished) signal.raise();
      });
  while (true) {
    auto now = co_await on_pool(context.pool, [&] { return services.images.find(id); });
    if (!now) co_return tl::unexpected(std::move(now.error()));
    if (service::is_final(now->state)) co_return std::move(*now);
    const auto left =
        std::chrono::duration_cast<milliseconds>(end - std::chrono::steady_clock::now());
    const bool gone = exchange.client_gone.stop_requested();
    if (gone || left.count() <= 0) {
      auto cancelled = co_await on_pool(context.pool, [&] { return services.images.cancel(id); });
      if (cancelled && service::is_final(cancelled->state) &&
          cancelled->state != JobState::cancelled) {
        co_return std::move(*cancelled);  // it was done at the last moment
      }
      if (gone) co_return fail(ErrorCode::cancelled, "the client has gone away");
      co_return fail(ErrorCode::deadline_exceeded,
                     fmt::format("the pictures were not finished within {} s",
                                 context.options.job_timeout.count() / 1000));
    }
    co_await signal.wait(std::min(left, kLookInterval), exchange.client_gone);
  }
}

struct ReplyParts {
  const Context& context;
  const Exchange& exchange;
  const wire::GenerationCall& call;
  const Job& job;
  const std::vector<StoredPicture>& pictures;
};

// Bytes that the reply holds: of base64 about all of it.
std::size_t reply_bytes(const ReplyParts& parts) {
  std::size_t bytes = wire::kImagesBodyBytes;
  for (const StoredPicture& picture : parts.pictures) {
    bytes += wire::kImageEntryBytes;
    if (parts.call.response_format == wire::ResponseFormat::b64_json) {
      bytes += base64_size(static_cast<std::size_t>(picture.size_bytes));
    }
  }
  return bytes;
}

// Reads the pictures of a finished job, one at a time, into the reply; blocks on the stores.
Result<std::string> make_body(const ReplyParts& parts) {
  const Services& services = parts.context.services;
  const std::string base = base_url(parts.context.options, parts.exchange);
  const std::int64_t expires = services.clock.unix_ms() / 1000 + parts.context.options.link_life_s;
  wire::ImagesBody body(parts.job.finished_ms / 1000, reply_bytes(parts));
  for (const StoredPicture& picture : parts.pictures) {
    if (parts.call.response_format == wire::ResponseFormat::b64_json) {
      const service::PictureFile file = TRY(services.images.read_picture(picture.id));
      body.add_base64(file.bytes, picture.mime_type);
    } else {
      const std::string link =
          services.signer.sign({.picture_id = picture.id,
                                .format = service::format_of_mime_type(picture.mime_type),
                                .expires_unix_s = expires});
      body.add_url(base + link, picture.mime_type);
    }
  }
  const service::Model* model = services.catalogue.find(parts.job.request.model);
  const auto count = static_cast<std::int64_t>(parts.pictures.size());
  return std::move(body).finish(
      {.cost_usd_ticks = model->price_usd_ticks * count, .warnings = parts.call.warnings});
}

}  // namespace

Async<Result<Response>> create_images(const Context& context, Exchange& exchange) {
  const Services& services = context.services;
  auto call = wire::parse_generation_call(exchange.request.body, services.catalogue);
  if (!call) co_return tl::unexpected(std::move(call.error()));
  if (!services.accepts_jobs()) {
    co_return fail(ErrorCode::unavailable, "the worker is starting; try again in a moment");
  }
  auto job = co_await on_pool(context.pool,
                              [&] { return services.images.submit(*exchange.key, call->request); });
  if (!job) co_return tl::unexpected(std::move(job.error()));
  exchange.job_id = job->id;
  auto finished = co_await wait_for_job(context, exchange, std::move(*job));
  if (!finished) co_return tl::unexpected(std::move(finished.error()));
  if (finished->state != JobState::succeeded) co_return tl::unexpected(error_of(*finished));

  auto pictures =
      co_await on_pool(context.pool, [&] { return services.images.pictures(finished->id); });
  if (!pictures) co_return tl::unexpected(std::move(pictures.error()));
  const ReplyParts parts{context, exchange, *call, *finished, *pictures};
  auto held = co_await context.budget.take(reply_bytes(parts), context.limits.held_wait,
                                           exchange.client_gone);
  if (!held) co_return fail(ErrorCode::unavailable, kTooManyReplies);
  auto body = co_await on_pool(context.pool, [&] { return make_body(parts); });
  if (!body) co_return tl::unexpected(std::move(body.error()));
  Response response{.body = std::move(*body), .held = std::move(*held)};
  response.headers.add("content-type", "application/json");
  co_return response;
}

}  // namespace imagined::api
