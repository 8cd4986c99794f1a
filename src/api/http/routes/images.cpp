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

std::string link_base(const Context& context, const Request& request) {
  if (!context.options.public_url.empty()) return context.options.public_url;
  // What the client called us is what it can reach; the head parser let only host names through.
  return fmt::format("http://{}", request.headers.find("host"));
}

struct ReplyParts {
  const Context& context;
  const Exchange& exchange;
  const wire::GenerationCall& call;
  const Job& job;
};

// Reads the pictures of a finished job; blocks on the stores.
Result<std::vector<wire::ImageEntry>> collect_entries(const ReplyParts& parts) {
  const Services& services = parts.context.services;
  std::vector<wire::ImageEntry> entries;
  const std::int64_t expires = services.clock.unix_ms() / 1000 + parts.context.options.link_life_s;
  for (const StoredPicture& picture : TRY(services.images.pictures(parts.job.id))) {
    wire::ImageEntry entry{.mime_type = picture.mime_type};
    if (parts.call.response_format == wire::ResponseFormat::b64_json) {
      entry.base64 = to_base64(TRY(services.images.read_picture(picture.id)).bytes);
    } else {
      entry.url = link_base(parts.context, parts.exchange.request) +
                  services.signer.sign({.picture_id = picture.id,
                                        .format = service::format_of_mime_type(picture.mime_type),
                                        .expires_unix_s = expires});
    }
    entries.push_back(std::move(entry));
  }
  return entries;
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

  auto entries = co_await on_pool(context.pool, [&] {
    return collect_entries({context, exchange, *call, *finished});
  });
  if (!entries) co_return tl::unexpected(std::move(entries.error()));
  const service::Model* model = services.catalogue.find(finished->request.model);
  const std::int64_t cost = model->price_usd_ticks * static_cast<std::int64_t>(entries->size());
  Response response{.body = wire::images_body(finished->finished_ms / 1000, cost, *entries)};
  response.headers.add("content-type", "application/json");
  co_return response;
}

}  // namespace imagined::api
