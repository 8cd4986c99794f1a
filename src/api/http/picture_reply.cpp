#include "api/http/picture_reply.h"

#include <fmt/format.h>

#include <chrono>
#include <span>
#include <utility>
#include <vector>

#include "api/call/job_wait.h"
#include "api/call/keeping.h"
#include "api/http/picture_stream.h"
#include "base/crypto.h"

namespace imagined::api {
namespace {

using service::FinishedPictures;
using service::Job;
using service::StoredPicture;

struct ReplyParts {
  const Context& context;
  const Exchange& exchange;
  const FinishedPictures& finished;
  wire::Usage usage;
  wire::ResponseFormat form = wire::ResponseFormat::url;
  std::optional<service::FileWish> storage = {};
  std::string_view request_id = {};  // of a deferred request
  std::span<const std::string> upload_urls = {};
  std::vector<Result<void>> uploads = {};  // what became of each
};

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
  for (const std::string& url : parts.upload_urls) bytes += url.size();
  for (const StoredPicture& picture : parts.finished.pictures) {
    bytes += wire::kImageEntryBytes;
    if (parts.storage) bytes += wire::kFileOutputBytes;
    if (parts.form != wire::ResponseFormat::url) {
      bytes += base64_size(static_cast<std::size_t>(picture.size_bytes));
    }
  }
  return bytes;
}

// One after the other, in the order of their addresses; blocks.
std::vector<Result<void>> deliver(const ReplyParts& parts) {
  const auto deadline = std::chrono::steady_clock::now() + service::kDeliveryTime;
  std::vector<Result<void>> outcomes;
  for (const StoredPicture& picture : parts.finished.pictures)
    outcomes.push_back(parts.context.services.delivery.put(
        *parts.exchange.caller, picture, parts.upload_urls[outcomes.size()], deadline));
  return outcomes;
}

// When the turn has come: what is paid for and cannot be sent is still to be had here. Who has gone
// away meanwhile wants it there all the same.
Async<std::vector<Result<void>>> deliver_in_turn(const ReplyParts& parts) {
  Signal turn;
  const auto place = parts.context.services.delivery.wait_in_line(*parts.exchange.caller,
                                                                  [&turn] { turn.raise(); });
  const auto until = std::chrono::steady_clock::now() + service::kDeliveryWait;
  const std::stop_token server_ends = parts.exchange.server_ends;
  while (!place->has_turn() && !server_ends.stop_requested()) {
    const auto left = until - std::chrono::steady_clock::now();
    if (left.count() <= 0) break;
    co_await turn.wait(std::chrono::ceil<std::chrono::milliseconds>(left), server_ends);
  }
  if (!place->has_turn())
    co_return std::vector<Result<void>>(parts.upload_urls.size(), service::Delivery::too_many());
  co_return co_await on_pool(parts.context.upload_pool, [&] { return deliver(parts); });
}

// Reads the pictures of a finished job, one at a time, into the reply; blocks on the stores, where
// more than links are wanted.
Result<std::string> make_body(const ReplyParts& parts) {
  const Services& services = parts.context.services;
  const std::string base = base_url(parts.context.options, parts.exchange);
  wire::ImagesBody body(parts.finished.job.finished_ms / 1000, reply_bytes(parts),
                        parts.request_id);
  for (const StoredPicture& picture : parts.finished.pictures) {
    wire::ImageEntry entry{.mime_type = mime_type(picture.format), .base = base};
    if (parts.form != wire::ResponseFormat::b64_json) {
      entry.url = services.links.url_of(picture, base);
    }
    if (const auto i = static_cast<std::size_t>(picture.index); i < parts.uploads.size()) {
      // What was not delivered is made and paid for, and still to be had here.
      if (parts.uploads[i]) entry.url = parts.upload_urls[i];
      if (!parts.uploads[i]) entry.upload_error = parts.uploads[i].error().message;
    }
    service::PictureFile file;
    if (parts.form != wire::ResponseFormat::url) {
      file = TRY(services.images.read_picture(*parts.exchange.caller, picture.id));
      entry.base64_of = file.bytes;
    }
    if (parts.storage)
      entry.file =
          keep_as_file(parts.context, parts.exchange, *parts.storage, parts.finished, picture);
    body.add(entry);
  }
  return std::move(body).finish(parts.usage);
}

// Of parts that stand in a variable: GCC 12 destroys twice what is made inside of a co_await.
Async<Result<Response>> reply_with(const ReplyParts& parts) {
  const Context& context = parts.context;
  auto held = co_await context.budget.take(reply_bytes(parts), context.limits.held_wait,
                                           parts.exchange.client_gone);
  if (!held) co_return fail(ErrorCode::unavailable, kTooManyReplies);
  Result<std::string> body;
  if (parts.form == wire::ResponseFormat::url && !parts.storage) {
    body = make_body(parts);  // looks at no store, and takes less than the way to the pool and back
  } else {
    body = co_await on_pool(context.pool, [&] { return make_body(parts); });
  }
  if (!body) co_return tl::unexpected(std::move(body.error()));
  Response response = json_reply(std::move(*body));
  response.held = std::move(*held);
  context.services.outcomes.pictures(std::ssize(parts.finished.pictures));
  add_warnings(parts.usage.warnings, response);
  co_return response;
}

// As xAI answers its own field, and as HTTP answers a preference (RFC 7240).
Response deferred_reply(const Context& context, const Exchange& exchange, const Job& job,
                        const wire::GenerationCall& call) {
  Response response = json_reply(wire::deferred_body(job.id), call.deferred ? 200 : 202);
  add_warnings(call.request.warnings, response);
  if (call.deferred) return response;
  response.headers.add("preference-applied", "respond-async");
  response.headers.add("location", base_url(context.options, exchange) + "/v1/images/" + job.id);
  return response;
}

}  // namespace

void add_warnings(const std::vector<std::string>& warnings, Response& response) {
  // Clients and proxies refuse long heads: Python's of 100 lines, nginx by itself of 4 KiB.
  constexpr std::size_t kLinesMax = 20;
  constexpr std::size_t kBytesMax = 2048;
  constexpr const char* kName = "x-imagined-warning";
  std::size_t bytes = 0;
  for (std::size_t i = 0; i < warnings.size(); ++i) {
    std::string value = header_value(warnings[i]);
    bytes += value.size();
    if (i == kLinesMax || bytes > kBytesMax) {
      response.headers.add(kName, fmt::format("and {} more", warnings.size() - i));
      return;
    }
    response.headers.add(kName, std::move(value));
  }
}

Response with_warnings(Response response, const std::vector<std::string>& warnings) {
  add_warnings(warnings, response);
  return response;
}

wire::Usage usage_of(std::vector<std::string> warnings, const FinishedPictures& finished) {
  const std::vector<std::string>& read = finished.reading.warnings;
  warnings.insert(warnings.end(), read.begin(), read.end());
  return {.cost_usd_ticks = finished.cost_usd_ticks,
          .input_tokens = finished.reading.tokens_read,
          .warnings = std::move(warnings)};
}

Result<void> settle(const Context& context, const Exchange& exchange,
                    const wire::GenerationCall& call, service::Asking& asking) {
  const bool comes_as_links = !call.stream && !call.storage && call.upload_urls.empty() &&
                              call.response_format == wire::ResponseFormat::url;
  asking.deferred = call.deferred || (asking.deferred && comes_as_links);
  if (!call.upload_urls.empty())
    TRY(context.services.delivery.check(call.upload_urls, call.request.count));
  return call.storage ? check_storage(context, exchange, *call.storage) : Result<void>();
}

Async<Result<Response>> reply_with_pictures(const Context& context, Exchange& exchange,
                                            const service::Order& order,
                                            const service::Asking& asking,
                                            const wire::GenerationCall& call) {
  exchange.job_id = order.job.id;
  if (asking.deferred) co_return deferred_reply(context, exchange, order.job, call);
  if (call.stream)
    co_return stream_pictures(context, exchange, order, call, wire::make_image_events());
  auto made = co_await finished(context, exchange, order);
  if (!made) co_return tl::unexpected(std::move(made.error()));
  ReplyParts parts{.context = context,
                   .exchange = exchange,
                   .finished = *made,
                   .usage = usage_of(call.request.warnings, *made),
                   .form = call.response_format,
                   .storage = call.storage,
                   .upload_urls = call.upload_urls};
  if (!call.upload_urls.empty()) parts.uploads = co_await deliver_in_turn(parts);
  auto reply = co_await reply_with(parts);
  if (!reply) co_return reply;
  reply->headers.add("x-cache", std::string(service::to_string(order.cache)));
  context.services.outcomes.cache(order.cache);
  co_return reply;
}

Async<Result<Response>> reply_to_deferred(const Context& context, const Exchange& exchange,
                                          const FinishedPictures& finished,
                                          const std::vector<std::string>& warnings) {
  const ReplyParts parts{.context = context,
                         .exchange = exchange,
                         .finished = finished,
                         .usage = usage_of(warnings, finished),
                         .request_id = finished.job.id};
  co_return co_await reply_with(parts);
}

}  // namespace imagined::api
