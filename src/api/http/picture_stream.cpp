#include "api/http/picture_stream.h"

#include <chrono>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "api/call/job_wait.h"
#include "api/http/picture_reply.h"
#include "api/wire/picture_events.h"
#include "base/crypto.h"

namespace imagined::api {
namespace {

using service::FinishedPictures;
using service::Job;
using service::JobEvent;
using service::StoredPicture;

constexpr std::chrono::seconds kAliveInterval{15};  // proxies give up after 30 or 60 silent seconds

class PictureStream final : public EventSource {
 public:
  PictureStream(const Context& context, const Exchange& exchange, service::Order order,
                wire::GenerationCall call)
      : context_(context),
        exchange_(exchange),
        order_(std::move(order)),
        call_(std::move(call)),
        wait_(context, exchange, order_.job.id, JobWait::Wants::previews) {}

  Async<std::optional<std::string>> next(std::stop_token client_gone) override {
    held_ = {};  // the last event was sent
    while (state_ == State::waiting) {
      JobWait::Moment moment = co_await wait_.next(client_gone, kAliveInterval);
      if (std::holds_alternative<std::monostate>(moment)) co_return std::string(wire::kAliveEvent);
      if (const auto* told = std::get_if<JobEvent>(&moment)) {
        auto event = co_await preview(*told, client_gone);
        if (event) co_return event;
        continue;
      }
      auto finished = co_await finish(std::get<Result<Job>>(moment));
      if (!finished) co_return failed(finished.error());
      finished_ = std::move(*finished);
      state_ = State::sending;
    }
    if (state_ == State::over || client_gone.stop_requested() || sent_ == finished_.pictures.size())
      co_return std::nullopt;
    auto event = co_await completed(finished_.pictures[sent_++], client_gone);
    if (!event) co_return failed(event.error());
    co_return std::move(*event);
  }

 private:
  enum class State : std::uint8_t { waiting, sending, over };

  std::string failed(const Error& error) {
    state_ = State::over;
    return wire::error_event(error);
  }

  Async<Result<FinishedPictures>> finish(const Result<Job>& ended) {
    if (!ended) co_return tl::unexpected(ended.error());
    co_return co_await on_pool(context_.pool, [&] {
      return context_.services.images.finished(*exchange_.caller, order_);
    });
  }

  /// Room for an event with a file of so many bytes.
  Async<bool> hold(std::size_t file_bytes, std::stop_token client_gone) {
    auto held = co_await context_.budget.take(wire::kEventBytes + base64_size(file_bytes),
                                              context_.limits.held_wait, client_gone);
    if (held) held_ = std::move(*held);
    co_return held.has_value();
  }

  /// None for a preview that cannot be had: nobody is owed one.
  Async<std::optional<std::string>> preview(const JobEvent& told, std::stop_token client_gone) {
    const auto file = co_await on_pool(context_.pool, [&] {
      return context_.services.images.read_preview(*exchange_.caller, told);
    });
    if (!file || !co_await hold(file->size(), client_gone)) co_return std::nullopt;
    co_return wire::partial_event({.events_of = events_of(),
                                   .index = told.picture,
                                   .width = told.width,
                                   .height = told.height,
                                   .format = call_.request.format,
                                   .created_unix_s = context_.services.clock.unix_ms() / 1000,
                                   .file = *file},
                                  told.number);
  }

  Async<Result<std::string>> completed(const StoredPicture& picture, std::stop_token client_gone) {
    if (!co_await hold(static_cast<std::size_t>(picture.size_bytes), client_gone))
      co_return fail(ErrorCode::unavailable, kTooManyReplies);
    auto file = co_await on_pool(context_.pool, [&] {
      return context_.services.images.read_picture(*exchange_.caller, picture.id);
    });
    if (!file) co_return tl::unexpected(std::move(file.error()));
    std::string url;
    if (call_.response_format != wire::ResponseFormat::b64_json)
      url = context_.services.links.url_of(picture, base_url(context_.options, exchange_));
    // Of the whole request, once: some clients add up, others read the last.
    const bool is_last = sent_ == finished_.pictures.size();
    co_return wire::completed_event({.events_of = events_of(),
                                     .index = picture.index,
                                     .width = picture.width,
                                     .height = picture.height,
                                     .format = picture.format,
                                     .created_unix_s = finished_.job.finished_ms / 1000,
                                     .file = file->bytes},
                                    url,
                                    is_last ? usage_of(call_.warnings, finished_) : wire::Usage());
  }

  wire::EventsOf events_of() const {
    return order_.job.kind == service::JobKind::edits ? wire::EventsOf::edit
                                                      : wire::EventsOf::generation;
  }

  const Context& context_;
  const Exchange& exchange_;
  const service::Order order_;
  const wire::GenerationCall call_;
  JobWait wait_;
  State state_ = State::waiting;
  FinishedPictures finished_;
  std::size_t sent_ = 0;
  ByteBudget::Hold held_;
};

}  // namespace

Response stream_pictures(const Context& context, const Exchange& exchange,
                         const service::Order& order, const wire::GenerationCall& call) {
  Response response;
  response.body = std::make_unique<PictureStream>(context, exchange, order, call);
  response.headers.add("content-type", "text/event-stream");
  response.headers.add("cache-control", "no-cache");
  response.headers.add("x-cache", std::string(service::to_string(order.cache)));
  response.headers.add("x-accel-buffering", "no");  // nginx would send it all at once
  return response;
}

}  // namespace imagined::api
