#include "api/http/tool_talk_reply.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <deque>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "api/call/conversing.h"
#include "api/call/door.h"
#include "api/call/job_wait.h"
#include "api/call/relaying.h"
#include "api/call/taking.h"
#include "api/call/upstream_call.h"
#include "api/http/asking.h"
#include "api/http/picture_reply.h"
#include "api/http/relay.h"
#include "api/wire/replies.h"
#include "api/wire/responses_as_chat.h"
#include "api/wire/said_error.h"
#include "api/wire/talk_answer.h"
#include "api/wire/talk_turn.h"
#include "api/wire/tool_talk.h"
#include "base/crypto.h"
#include "base/ids.h"
#include "base/json_text.h"
#include "service/billing/money.h"

namespace imagined::api {
namespace {

using service::Job;
using service::UpstreamNews;
using std::chrono::steady_clock;
using wire::ToolCall;

constexpr int kTalkRoundsMax = 4;
constexpr int kTalkPicturesMax = 8;
constexpr std::chrono::seconds kTalkAlive{2};

std::chrono::milliseconds left_until(steady_clock::time_point until) {
  return std::chrono::ceil<std::chrono::milliseconds>(until - steady_clock::now());
}

std::string error_for_model(const Error& error) {
  return JsonText::object({{"error", error.message}}).text();
}

std::optional<wire::PictureMaker> maker_of(const Services& services, const ToolTalkModels& models) {
  if (models.makes.empty()) return std::nullopt;
  const service::Model& model = *services.catalogue.find(models.makes);
  return wire::PictureMaker{.catalogue = services.catalogue,
                            .model = model.id,
                            .takes_references = wire::takes_references({model, services.workers})};
}

/// The same conversation for who has /chat/completions alone.
Result<wire::ToolTalk> talk_over_chat(const Services& services, const ToolTalkModels& models,
                                      std::string_view body, const Error& lacking) {
  const auto chat = wire::responses_as_chat(body);
  if (!chat && chat.error().code == ErrorCode::invalid_argument)
    return fail(lacking.code, fmt::format("{}: {}", chat.error().message, lacking.message),
                chat.error().field);
  TRY(chat);
  return wire::ToolTalk::parse(*chat, wire::ChatApi::completions, maker_of(services, models));
}

class ToolTalking final : public EventSource {
 public:
  /// `api`: how it is told; `asks_in`: how the model is asked.
  ToolTalking(const Context& context, Exchange& exchange, wire::ChatApi api, wire::ChatApi asks_in,
              ToolTalkModels models, wire::ToolTalk talk, wire::ResponseEcho echo)
      : context_(context),
        exchange_(exchange),
        api_(api),
        asks_in_(asks_in),
        models_(std::move(models)),
        talk_(std::move(talk)),
        names_(own_names(context.options, exchange)),
        base_(base_url(context.options, exchange)),
        reader_(asks_in) {
    wire::TalkHead head{.id = make_uuid(context.services.clock),
                        .model = models_.talks,
                        .created_unix_s = context.services.clock.unix_ms() / 1000,
                        .include_usage = talk_.include_usage(),
                        .echo = std::move(echo)};
    answer_ = api == wire::ChatApi::completions ? wire::make_talk_completion(std::move(head))
                                                : wire::make_talk_response(std::move(head));
    usage_.warnings = talk_.warnings();
    if (auto asking = read_asking(exchange.request.headers)) cache_ = asking->cache;
  }

  /// Asks for the first time. An answer that is none of the model's is the whole reply.
  Async<Result<std::optional<Response>>> begin() {
    auto asked = co_await ask(exchange_.client_gone);
    if (!asked && asked.error().code == ErrorCode::unimplemented) {
      auto talk = co_await on_pool(context_.pool, [&] {
        return talk_over_chat(context_.services, models_, exchange_.request.body, asked.error());
      });
      if (!talk) co_return tl::unexpected(std::move(talk.error()));
      talk_ = std::move(*talk);
      asks_in_ = wire::ChatApi::completions;
      round_ = 0;
      asked = co_await ask(exchange_.client_gone);
    }
    if (!asked) co_return tl::unexpected(std::move(asked.error()));
    if (reply_->first.status == 200) {
      if (asks_in_ != api_) context_.services.relay->lacks_responses(reply_->route);
      co_return std::optional<Response>();
    }
    UpstreamReply refused = std::move(*reply_);
    auto response = co_await pass_on(context_, exchange_, std::move(refused), std::move(*asked));
    if (!response) co_return tl::unexpected(std::move(response.error()));
    co_return std::optional<Response>(std::move(*response));
  }

  Async<std::optional<std::string>> next(std::stop_token client_gone) override {
    while (!client_gone.stop_requested() || making_) {
      std::string events;
      switch (state_) {
        case State::beginning:
          state_ = State::hearing;
          events = answer_->begin();
          break;
        case State::hearing:
          events = co_await hear(client_gone);
          break;
        case State::making:
          events = co_await make(client_gone);
          break;
        case State::asking:
          events = co_await ask_again(client_gone);
          break;
        case State::over:
          co_return std::nullopt;
      }
      if (events.empty()) continue;
      told_at_ = steady_clock::now();
      co_return events;
    }
    reply_.reset();  // nobody is to work for a client that has gone
    co_return std::nullopt;
  }

  /// What was made and paid for is not lost because the model says no more.
  std::string failed(const Error& error) override {
    if (usage_.pictures > 0) {
      usage_.warnings.push_back(error.message);
      theirs_.clear();
      return end();
    }
    state_ = State::over;
    failure_ = error;
    return answer_->failed(error);
  }

  /// Why there is no answer, once it is over.
  const std::optional<Error>& failure() const { return failure_; }
  std::string whole() { return answer_->whole(usage_); }
  const std::vector<std::string>& warnings() const { return usage_.warnings; }
  const std::string& upstream() const { return upstream_; }

 private:
  enum class State : std::uint8_t { beginning, hearing, making, asking, over };

  /// Pictures of one call, on their way.
  struct Making {
    ToolCall call;
    service::Order order;
    wire::GenerationCall fields;
    std::unique_ptr<JobWait> wait;
  };

  bool is_last_round() const { return round_ == kTalkRoundsMax; }
  bool is_ours(const ToolCall& call) const {
    return !models_.makes.empty() && wire::is_image_call(call);
  }

  Async<Result<UpstreamAsk>> ask(std::stop_token client_gone) {
    ++round_;
    auto body = co_await on_pool(context_.pool, [&] {
      return with_own_pictures(context_, exchange_, talk_.body(is_last_round()), names_);
    });
    if (!body) co_return tl::unexpected(std::move(body.error()));
    auto head = wire::read_relayed(*body);
    if (!head) co_return tl::unexpected(std::move(head.error()));
    UpstreamAsk asked{.api = asks_in_,
                      .model = models_.talks,
                      .body = std::move(*body),
                      .head = std::move(*head)};
    auto reply = co_await ask_upstreams(context_, exchange_, asked, client_gone);
    if (!reply) co_return tl::unexpected(std::move(reply.error()));
    if (auto refused = key_refusal(reply->first.status, models_.talks))
      co_return tl::unexpected(std::move(*refused));
    reply_.emplace(std::move(*reply));
    upstream_ = reply_->route.upstream->name;
    reader_ = wire::TurnReader(asks_in_);
    co_return Result<UpstreamAsk>(std::move(asked));
  }

  Async<std::string> ask_again(std::stop_token client_gone) {
    state_ = State::hearing;
    const auto asked = co_await ask(client_gone);
    if (!asked) co_return failed(asked.error());
    const int status = reply_->first.status;
    if (status == 200) co_return std::string();
    const std::string body = co_await error_body_of(*reply_, client_gone);
    const std::string said = wire::said_error_in(body);
    Error error{.code = ErrorCode::unavailable,
                .message = fmt::format("the server that has the model \"{}\" answered {}{}{}",
                                       models_.talks, status, said.empty() ? "" : ": ", said)};
    co_return failed(error);
  }

  /// What the model says, a sign of life, or nothing: then there is another state.
  Async<std::string> hear(std::stop_token client_gone) {
    UpstreamNews news = reply_->answer->take();
    news.bytes.insert(0, std::exchange(reply_->first.bytes, {}));
    const std::string said = reader_.feed(news.bytes);
    if (news.ended || reader_.has_failed()) {
      std::string events = answer_->text(said);
      reply_->answer = nullptr;
      if (news.error) co_return events + failed(*news.error);
      const std::string last = co_await end_turn();
      co_return events + last;
    }
    if (!said.empty()) co_return answer_->text(said);
    // Whatever comes meanwhile without words for the client: who has left is noticed by writing.
    const auto until = told_at_ + kTalkAlive;
    if (news.bytes.empty()) co_await reply_->told->wait(left_until(until), client_gone);
    co_return steady_clock::now() >= until ? std::string(wire::kAliveEvent) : std::string();
  }

  Async<std::string> end_turn() {
    auto turn = reader_.end();
    if (!turn) co_return failed(turn.error());
    co_await record_use(context_, exchange_, models_.talks, reply_->route, turn->usage);
    if (turn->usage) {
      usage_.input_tokens += turn->usage->input;
      usage_.output_tokens += turn->usage->output;
      usage_.cost_usd_ticks = service::sum_of(
          usage_.cost_usd_ticks, service::cost_of(*reply_->route.upstream, *turn->usage));
    }
    const std::string unsaid = answer_->text(turn->unsaid);
    finish_reason_ = turn->finish_reason;
    for (const ToolCall& call : turn->calls)
      (is_ours(call) && !is_last_round() ? ours_ : theirs_).push_back(call);
    if (is_last_round())
      std::erase_if(theirs_, [this](const ToolCall& call) { return is_ours(call); });
    if (ours_.empty()) co_return unsaid + end();
    talk_.add(*turn);
    state_ = State::making;
    co_return unsaid;
  }

  /// Begins the next call, or tells how the one in work gets on.
  Async<std::string> make(std::stop_token client_gone) {
    if (making_) co_return co_await watch(client_gone);
    if (ours_.empty()) {
      if (!theirs_.empty()) co_return end();
      state_ = State::asking;
      co_return std::string();
    }
    ToolCall call = std::move(ours_.front());
    ours_.pop_front();
    auto begun = co_await begin_making(call);
    if (!begun) {
      warn_of(begun.error());
      talk_.add_result(call, error_for_model(begun.error()));
      co_return std::string(wire::kAliveEvent);
    }
    co_return answer_->picture_begins(id_of(0), prompt());
  }

  Async<Result<void>> begin_making(const ToolCall& call) {
    const Services& services = context_.services;
    const auto left = kTalkPicturesMax - static_cast<int>(usage_.pictures);
    if (left <= 0)
      co_return fail(
          ErrorCode::resource_exhausted,
          fmt::format("no more than {} pictures can be made in one answer", kTalkPicturesMax));
    auto wanted = talk_.read(call);
    if (!wanted) co_return tl::unexpected(std::move(wanted.error()));
    wire::GenerationCall& fields = wanted->fields;
    fields.request.count = std::min(fields.request.count, left);
    if (auto in = co_await pass_the_door(context_, exchange_, models_.makes); !in)
      co_return tl::unexpected(std::move(in.error()));
    auto payload = co_await on_pool(context_.fetch_pool, [&]() -> Result<service::JobPayload> {
      if (wanted->references.empty()) return service::JobPayload(fields.request);
      wire::EditCall edit{fields, {}, std::nullopt};
      edit.references = TRY(settle_pictures(context_, exchange_, wanted->references, names_));
      return service::JobPayload(TRY(take_pictures(context_, exchange_, edit, names_)));
    });
    if (!payload) co_return tl::unexpected(std::move(payload.error()));
    const service::Asking asking{.cache = cache_};
    auto order = co_await on_pool(context_.pool, [&] {
      return services.images.submit(*exchange_.caller, std::move(*payload), asking);
    });
    if (!order) co_return tl::unexpected(std::move(order.error()));
    making_.emplace(
        Making{.call = call, .order = std::move(*order), .fields = std::move(fields), .wait = {}});
    if (!service::is_final(making_->order.job.state))
      making_->wait = std::make_unique<JobWait>(context_, exchange_, making_->order.job.id,
                                                JobWait::Wants::end);
    co_return Result<void>();
  }

  std::string id_of(int index) const {
    return fmt::format("ig_{}_{}", making_->order.job.id, index);
  }
  const std::string& prompt() const { return making_->fields.request.prompt.text(); }

  Async<std::string> watch(std::stop_token client_gone) {
    if (making_->wait) {
      JobWait::Moment moment = co_await making_->wait->next(client_gone, kTalkAlive);
      const auto* ended = std::get_if<Result<Job>>(&moment);
      if (ended == nullptr) co_return std::string(wire::kAliveEvent);
      if (!*ended) co_return no_picture(ended->error());
    }
    auto finished = co_await on_pool(context_.pool, [&] {
      return context_.services.images.finished(*exchange_.caller, making_->order);
    });
    if (!finished) co_return no_picture(finished.error());
    std::string events;
    JsonText ids = JsonText::array();
    for (const service::StoredPicture& picture : finished->pictures) {
      if (picture.index > 0) events += answer_->picture_begins(id_of(picture.index), prompt());
      auto told = co_await tell(picture, client_gone);
      if (!told) co_return events + no_picture(told.error());
      events += *told;
      ids.push(JsonText(id_of(picture.index)));
    }
    const auto count = std::ssize(finished->pictures);
    usage_.pictures += count;
    usage_.cost_usd_ticks = service::sum_of(usage_.cost_usd_ticks, finished->cost_usd_ticks);
    context_.services.outcomes.pictures(count);
    context_.services.outcomes.cache(making_->order.cache);
    talk_.add_result(
        making_->call,
        JsonText::object({{"pictures", ids}, {"note", "The user sees them already."}}).text());
    if (models_.is_seen)
      for (const service::StoredPicture& picture : finished->pictures)
        shown_.emplace_back(id_of(picture.index), context_.services.links.url_of(picture, base_));
    making_.reset();
    show_when_all_are_made();
    co_return events;
  }

  // The results of all calls come first: nothing may stand between a call and its result.
  void show_when_all_are_made() {
    if (!ours_.empty()) return;
    for (const auto& [id, url] : shown_) talk_.show(id, url);
    shown_.clear();
  }

  Async<Result<std::string>> tell(const service::StoredPicture& picture,
                                  std::stop_token client_gone) {
    service::PictureFile file;
    if (answer_->copies_kept() > 0) {
      const std::size_t bytes =
          answer_->copies_kept() *
          (wire::kEventBytes + base64_size(static_cast<std::size_t>(picture.size_bytes)));
      auto held = co_await context_.budget.take(bytes, context_.limits.held_wait, client_gone);
      if (!held) co_return fail(ErrorCode::unavailable, kTooManyReplies);
      held_.push_back(std::move(*held));
      auto read = co_await on_pool(context_.pool, [&] {
        return context_.services.images.read_picture(*exchange_.caller, picture.id);
      });
      if (!read) co_return tl::unexpected(std::move(read.error()));
      file = std::move(*read);
    }
    co_return answer_->picture({.id = id_of(picture.index),
                                .prompt = prompt(),
                                .url = context_.services.links.url_of(picture, base_),
                                .file = {.index = picture.index,
                                         .width = picture.width,
                                         .height = picture.height,
                                         .format = picture.format,
                                         .file = file.bytes}});
  }

  /// What keeps a picture from being made concerns the client too, once.
  void warn_of(const Error& error) {
    std::string warning = "a picture was not made: " + error.message;
    if (std::ranges::find(usage_.warnings, warning) == usage_.warnings.end())
      usage_.warnings.push_back(std::move(warning));
  }

  std::string no_picture(const Error& error) {
    warn_of(error);
    std::string events = answer_->no_picture(id_of(0), prompt());
    talk_.add_result(making_->call, error_for_model(error));
    making_.reset();
    show_when_all_are_made();
    return events.empty() ? std::string(wire::kAliveEvent) : events;
  }

  std::string end() {
    state_ = State::over;
    const std::vector<ToolCall> theirs(theirs_.begin(), theirs_.end());
    std::string events = theirs.empty() ? "" : answer_->calls(theirs);
    return events + answer_->end(usage_, finish_reason_);
  }

  const Context& context_;
  Exchange& exchange_;
  const wire::ChatApi api_;
  wire::ChatApi asks_in_;
  const ToolTalkModels models_;
  wire::ToolTalk talk_;
  const OwnNames names_;
  const std::string base_;
  std::unique_ptr<wire::TalkAnswer> answer_;
  service::CacheWish cache_ = service::CacheWish::as_the_key;
  wire::TurnReader reader_;
  State state_ = State::beginning;
  steady_clock::time_point told_at_ = steady_clock::now();
  int round_ = 0;
  std::optional<UpstreamReply> reply_;
  std::string upstream_;
  std::string finish_reason_;
  std::deque<ToolCall> ours_;
  std::deque<ToolCall> theirs_;
  std::optional<Making> making_;
  std::vector<std::pair<std::string, std::string>> shown_;  // made in this round: ids, URLs
  wire::TalkUsage usage_;
  std::optional<Error> failure_;
  std::vector<ByteBudget::Hold> held_;
};

/// The image tool may name who makes its pictures.
Result<void> take_named_maker(const Services& services, std::string_view body,
                              ToolTalkModels& models) {
  const auto refuse = [](ErrorCode code, std::string_view why) {
    return fail(code, fmt::format("tools: model: {}", why), "tools");
  };
  const auto name = TRY(wire::image_tool_model(body));
  if (!name) return {};
  const auto model = services.catalogue.resolve(*name);
  if (!model) return refuse(model.error().code, model.error().message);
  const auto report = services.workers.report((*model)->id);
  if (report && report->abilities && !report->abilities->pictures)
    return refuse(ErrorCode::invalid_argument, fmt::format("\"{}\" makes no pictures", *name));
  models.makes = (*model)->id;
  return {};
}

/// A key that may not have pictures made is told so before anything is asked.
Result<void> may_have_made(const service::Caller& caller, const ToolTalkModels& models) {
  auto may = service::require_model(caller, models.makes);
  if (!may)
    may.error().message +=
        fmt::format(" \"{}\" is what makes the pictures of \"{}\".", models.makes, models.talks);
  return may;
}

/// Has it talk: the whole reply, or its beginning.
Async<Result<Response>> reply_of(Exchange& exchange, bool streams,
                                 std::unique_ptr<ToolTalking> talking) {
  auto refused = co_await talking->begin();
  if (!refused) co_return tl::unexpected(std::move(refused.error()));
  if (*refused) co_return std::move(**refused);
  Response response;
  const std::string upstream = talking->upstream();
  if (streams) {
    response.headers.add("content-type", "text/event-stream");
    response.headers.add("cache-control", "no-cache");
    response.headers.add("x-accel-buffering", "no");
    response.body = std::move(talking);
  } else {
    while (co_await talking->next(exchange.client_gone)) {
    }
    if (exchange.client_gone.stop_requested())
      co_return fail(ErrorCode::cancelled, "the client has gone away");
    if (talking->failure()) co_return tl::unexpected(*talking->failure());
    response = json_reply(talking->whole());
    add_warnings(talking->warnings(), response);
  }
  response.headers.add("x-imagined-upstream", upstream);
  co_return response;
}

}  // namespace

Async<Result<Response>> talk_with_tools(const Context& context, Exchange& exchange,
                                        wire::ChatApi api, ToolTalkModels models) {
  if (auto in = co_await pass_the_door(context, exchange, models.talks); !in)
    co_return tl::unexpected(std::move(in.error()));
  wire::ResponseEcho echo;
  auto talk = co_await on_pool(context.pool, [&]() -> Result<wire::ToolTalk> {
    TRY(context.services.relay->check(*exchange.caller, models.talks));
    TRY(take_named_maker(context.services, exchange.request.body, models));
    TRY(may_have_made(*exchange.caller, models));
    auto parsed =
        wire::ToolTalk::parse(exchange.request.body, api, maker_of(context.services, models));
    if (parsed && api == wire::ChatApi::responses) echo = wire::echo_of(exchange.request.body);
    return parsed;
  });
  if (!talk) co_return tl::unexpected(std::move(talk.error()));
  const bool streams = talk->stream();
  auto talking = std::make_unique<ToolTalking>(context, exchange, api, api, std::move(models),
                                               std::move(*talk), std::move(echo));
  co_return co_await reply_of(exchange, streams, std::move(talking));
}

Async<Result<Response>> respond_over_chat(const Context& context, Exchange& exchange,
                                          UpstreamAsk asked, Error lacking) {
  ToolTalkModels models{.talks = std::move(asked.model), .makes = {}};
  wire::ResponseEcho echo;
  auto talk = co_await on_pool(context.pool, [&] {
    auto parsed = talk_over_chat(context.services, models, asked.body, lacking);
    if (parsed) echo = wire::echo_of(asked.body);
    return parsed;
  });
  if (!talk) co_return tl::unexpected(std::move(talk.error()));
  const bool streams = talk->stream();
  auto talking = std::make_unique<ToolTalking>(context, exchange, wire::ChatApi::responses,
                                               wire::ChatApi::completions, std::move(models),
                                               std::move(*talk), std::move(echo));
  co_return co_await reply_of(exchange, streams, std::move(talking));
}

}  // namespace imagined::api
