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

// Proxies give up after 30 or 60 silent seconds. That a client has closed its connection shows when
// something is sent to it, and until then its pictures are made for nobody.
constexpr std::chrono::seconds kAliveInterval{2};

class PictureStream final : public EventSource {
 public:
  PictureStream(const Context& context, const Exchange& exchange, service::Order order,
                wire::GenerationCall call, std::unique_ptr<wire::PictureAnswer> answer)
      : context_(context),
        exchange_(exchange),
        order_(std::move(order)),
        call_(std::move(call)),
        answer_(std::move(answer)),
        wait_(context, exchange, order_.job.id, JobWait::Wants::previews) {}

  Async<std::optional<std::string>> next(std::stop_token client_gone) override {
    if (answer_->copies_kept() == 1) held_.clear();  // the last event was sent
    // Who has gone before anything was said gives the job up, too.
    if (client_gone.stop_requested() && state_ == State::beginning) state_ = State::waiting;
    while (!client_gone.stop_requested() || state_ == State::waiting) {
      std::string events;
      switch (state_) {
        case State::beginning:
          state_ = State::waiting;
          events = answer_->begin();
          break;
        case State::waiting:
          events = co_await wait(client_gone);
          break;
        case State::sending:
          events = co_await send_one(client_gone);
          break;
        case State::over:
          co_return std::nullopt;
      }
      if (!events.empty()) co_return events;
    }
    co_return std::nullopt;
  }

  std::string failed(const Error& error) override {
    state_ = State::over;
    return answer_->failed(error);
  }

 private:
  enum class State : std::uint8_t { beginning, waiting, sending, over };

  /// A preview, a sign of life, or nothing: then there is another state.
  Async<std::string> wait(std::stop_token client_gone) {
    JobWait::Moment moment = co_await wait_.next(client_gone, kAliveInterval);
    if (std::holds_alternative<std::monostate>(moment)) co_return std::string(wire::kAliveEvent);
    if (const auto* told = std::get_if<JobEvent>(&moment))
      co_return co_await preview(*told, client_gone);
    auto finished = co_await finish(std::get<Result<Job>>(moment));
    if (!finished) co_return failed(finished.error());
    finished_ = std::move(*finished);
    state_ = State::sending;
    co_return std::string();
  }

  /// A picture, or what comes after the last.
  Async<std::string> send_one(std::stop_token client_gone) {
    if (sent_ == finished_.pictures.size()) {
      state_ = State::over;
      co_return answer_->end(usage_of(call_.request.warnings, finished_));
    }
    auto event = co_await completed(finished_.pictures[sent_++], client_gone);
    if (!event) co_return failed(event.error());
    co_return std::move(*event);
  }

  Async<Result<FinishedPictures>> finish(const Result<Job>& ended) {
    if (!ended) co_return tl::unexpected(ended.error());
    co_return co_await on_pool(context_.pool, [&] {
      return context_.services.images.finished(*exchange_.caller, order_);
    });
  }

  /// Room for an event with a file of so many bytes.
  Async<bool> hold(std::size_t file_bytes, std::stop_token client_gone) {
    const std::size_t bytes =
        answer_->copies_kept() * (wire::kEventBytes + base64_size(file_bytes));
    auto held = co_await context_.budget.take(bytes, context_.limits.held_wait, client_gone);
    if (held) held_.push_back(std::move(*held));
    co_return held.has_value();
  }

  /// Nothing for a preview that cannot be had: nobody is owed one.
  Async<std::string> preview(const JobEvent& told, std::stop_token client_gone) {
    const auto file = co_await on_pool(context_.pool, [&] {
      return context_.services.images.read_preview(*exchange_.caller, told);
    });
    if (!file || !co_await hold(file->size(), client_gone)) co_return std::string();
    co_return answer_->preview({.events_of = events_of(),
                                .index = told.picture,
                                .width = told.width,
                                .height = told.height,
                                .format = service::file_format(call_.request.format),
                                .created_unix_s = context_.services.clock.unix_ms() / 1000,
                                .file = *file},
                               told.number);
  }

  Async<Result<std::string>> completed(const StoredPicture& picture, std::stop_token client_gone) {
    service::PictureFile file;
    if (answer_->wants_files()) {
      if (!co_await hold(static_cast<std::size_t>(picture.size_bytes), client_gone))
        co_return fail(ErrorCode::unavailable, kTooManyReplies);
      auto read = co_await on_pool(context_.pool, [&] {
        return context_.services.images.read_picture(*exchange_.caller, picture.id);
      });
      if (!read) co_return tl::unexpected(std::move(read.error()));
      file = std::move(*read);
    }
    std::string url;
    if (call_.response_format != wire::ResponseFormat::b64_json)
      url = context_.services.links.url_of(picture, base_url(context_.options, exchange_));
    // Of the whole request, once: some clients add up, others read the last.
    const bool is_last = sent_ == finished_.pictures.size();
    co_return answer_->picture(
        {.events_of = events_of(),
         .index = picture.index,
         .width = picture.width,
         .height = picture.height,
         .format = picture.format,
         .created_unix_s = finished_.job.finished_ms / 1000,
         .file = file.bytes},
        url, is_last ? usage_of(call_.request.warnings, finished_) : wire::Usage());
  }

  wire::EventsOf events_of() const {
    return order_.job.kind == service::JobKind::edits ? wire::EventsOf::edit
                                                      : wire::EventsOf::generation;
  }

  const Context& context_;
  const Exchange& exchange_;
  const service::Order order_;
  const wire::GenerationCall call_;
  const std::unique_ptr<wire::PictureAnswer> answer_;
  JobWait wait_;
  State state_ = State::beginning;
  FinishedPictures finished_;
  std::size_t sent_ = 0;
  std::vector<ByteBudget::Hold> held_;
};

}  // namespace

Response stream_pictures(const Context& context, const Exchange& exchange,
                         const service::Order& order, const wire::GenerationCall& call,
                         std::unique_ptr<wire::PictureAnswer> answer) {
  Response response;
  response.body =
      std::make_unique<PictureStream>(context, exchange, order, call, std::move(answer));
  response.headers.add("content-type", "text/event-stream");
  response.headers.add("cache-control", "no-cache");
  response.headers.add("x-cache", std::string(service::to_string(order.cache)));
  context.services.outcomes.cache(order.cache);
  response.headers.add("x-accel-buffering", "no");  // nginx would send it all at once
  return response;
}

}  // namespace imagined::api
