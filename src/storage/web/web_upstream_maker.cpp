#include "storage/web/web_upstream_maker.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <condition_variable>
#include <mutex>
#include <span>
#include <utility>
#include <variant>

#include "service/videos/video_request.h"
#include "storage/codec/upstream_messages.h"

namespace imagined::storage {
namespace {

using service::UpstreamMade;
using service::UpstreamNews;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr std::size_t kAnswerBytesMax = 96u << 20;  // ten large pictures in base64
constexpr std::size_t kPictureBytesMax = 32u << 20;
constexpr std::chrono::seconds kFetchTime{120};
constexpr int kSilentLooksMax = 5;  // at a video, in a row

Error cannot(std::string message, std::string detail, Retry retry = Retry::by_code) {
  return {.code = ErrorCode::unavailable,
          .message = std::move(message),
          .detail = std::move(detail),
          .retry = retry};
}

/// Seconds, as far as they are that; dates of HTTP are not read.
std::int64_t retry_after_ms(std::string_view text) {
  int seconds = 0;
  std::from_chars(text.data(), text.data() + text.size(), seconds);
  return std::int64_t{1000} * std::clamp(seconds, 0, 3600);
}

/// Rung by other threads.
class Bell {
 public:
  void ring() {
    const std::lock_guard lock(mutex_);
    rung_ = true;
    changed_.notify_all();
  }
  void wait(steady_clock::time_point until, const std::stop_token& stop) {
    std::unique_lock lock(mutex_);
    changed_.wait_until(lock, stop, until, [this] { return rung_; });
    rung_ = false;
  }

 private:
  std::mutex mutex_;
  std::condition_variable_any changed_;
  bool rung_ = false;
};

struct Answer {
  int status = 0;
  std::string body;
  std::string retry_after;
};

}  // namespace

/// With one server about one order.
class WebUpstreamMaker::Talk {
 public:
  Talk(WebUpstreamMaker& maker, const service::UpstreamRoute& route,
       const service::UpstreamOrder& order, const Progress& progress, const std::stop_token& stop)
      : maker_(maker), route_(route), order_(order), progress_(progress), stop_(stop) {}

  Result<UpstreamMade> pictures() {
    const auto until = steady_clock::now() + maker_.options_.pictures;
    const Answer answer = TRY(ordered(until));
    auto answered = decode_answered_pictures(answer.body);
    if (!answered) return not_understood(answered.error());
    if (answered->pictures.empty()) return kept_back();
    UpstreamMade made{.files = {}, .cost_usd_ticks = answered->cost_usd_ticks};
    for (AnsweredPicture& picture : answered->pictures)
      made.files.push_back(picture.file.empty() ? TRY(fetched(picture.url, kPictureBytesMax))
                                                : std::move(picture.file));
    return made;
  }

  Result<UpstreamMade> video() {
    const auto until = steady_clock::now() + maker_.options_.video;
    const Answer begun = TRY(ordered(until));
    const auto id = decode_request_id(begun.body);
    if (!id) return not_understood(id.error());
    const AnsweredVideo made = TRY(finished(*id, until));
    if (made.url.empty()) return kept_back();
    auto file = TRY(fetched(made.url, service::kClipBytesMax));
    UpstreamMade clip{
        .files = {}, .cost_usd_ticks = made.cost_usd_ticks, .duration_ms = made.duration_ms};
    clip.files.push_back(std::move(file));
    return clip;
  }

 private:
  Result<Answer> ordered(steady_clock::time_point until) {
    auto body = TRY(encode_upstream_order(route_.model, order_));
    service::UpstreamPost post = request_for(path_for(order_.wanted));
    post.body = std::make_shared<const std::string>(std::move(body));
    post.headers.push_back("idempotency-key: " + order_.id);
    Answer answer = TRY(ask(std::move(post), until));
    if (answer.status == 200) return answer;
    return tl::unexpected(refusal(answer));
  }

  /// Looks at a video until there is nothing more to wait for.
  Result<AnsweredVideo> finished(const std::string& id, steady_clock::time_point until) {
    milliseconds pause = maker_.options_.first_look;
    int silent = 0;
    while (true) {
      Bell().wait(steady_clock::now() + pause, stop_);
      pause = std::min(pause * 5 / 4, maker_.options_.look_max);
      const auto answer = ask(request_for("/videos/" + id), until);
      if (!answer && answer.error().code != ErrorCode::unavailable)
        return tl::unexpected(answer.error());
      const int status = answer ? answer->status : 0;
      if (status != 200 && status != 202) {
        const bool may_pass = status == 0 || status == 408 || status == 429 || status >= 500;
        if (!may_pass) return tl::unexpected(refusal(*answer));
        if (++silent < kSilentLooksMax && steady_clock::now() < until) continue;
        return tl::unexpected(cannot("the server that makes the video gives no answer any more",
                                     fmt::format("status {}", status)));
      }
      silent = 0;
      auto seen = decode_answered_video(answer->body);
      if (!seen) return not_understood(seen.error());
      if (seen->error) return tl::unexpected(std::move(*seen->error));
      if (seen->state == AnsweredVideo::State::done) return std::move(*seen);
      progress_(seen->percent);
    }
  }

  service::UpstreamPost request_for(std::string_view path) const {
    return {.url = fmt::format("{}{}", route_.upstream->base_url, path),
            .headers = service::headers_for(*route_.upstream, "application/json"),
            .body = {},
            .ca_file = route_.upstream->ca_file};
  }

  Result<Answer> ask(service::UpstreamPost post, steady_clock::time_point until) {
    const auto bell = std::make_shared<Bell>();
    const auto coming = maker_.client_.post(std::move(post), [bell] { bell->ring(); });
    Answer answer;
    while (true) {
      UpstreamNews news = coming->take();
      answer.body += news.bytes;
      if (answer.body.size() > kAnswerBytesMax)
        return tl::unexpected(cannot("the answer of the other server is too long",
                                     fmt::format("more than {} bytes", kAnswerBytesMax),
                                     Retry::no));
      if (news.error) return tl::unexpected(std::move(*news.error));
      if (news.ended) {
        answer.status = news.status;
        answer.retry_after = std::move(news.retry_after);
        return answer;
      }
      if (stop_.stop_requested()) return fail(ErrorCode::cancelled, "it was cancelled");
      if (steady_clock::now() >= until)
        return tl::unexpected(
            cannot("the other server has not answered in time", "deadline", Retry::no));
      bell->wait(until, stop_);
    }
  }

  Error refusal(const Answer& answer) const {
    Error error = decode_upstream_error(answer.status, answer.body);
    const int status = answer.status;
    if (status == 429) {
      error.code = ErrorCode::resource_exhausted;
      error.message = "the server that has the model is over its limit";
      error.retry_after_ms = retry_after_ms(answer.retry_after);
      error.reason = ErrorReason::none;
    } else if (status == 401 || status == 403) {
      if (error.reason == ErrorReason::content_moderated) return error;
      error = cannot("the server that has the model refuses this server's key", error.detail,
                     Retry::no);
    } else if (status == 404 || status == 405) {
      error = cannot("the server that has the model does not know it", error.detail, Retry::no);
    } else if (status == 408 || status >= 500) {
      error = cannot("the server that has the model cannot make it", error.detail);
    } else if (status < 400) {
      error = cannot("the other server's answer is not understood", error.detail, Retry::no);
    }
    return error;
  }

  static tl::unexpected<Error> not_understood(const Error& error) {
    return tl::unexpected(cannot(error.message, error.detail, Retry::no));
  }

  static tl::unexpected<Error> kept_back() {
    return tl::unexpected<Error>(Error{.code = ErrorCode::invalid_argument,
                                       .message = "what was made was rejected by the moderation of "
                                                  "the server that has the model",
                                       .reason = ErrorReason::content_moderated});
  }

  Result<std::vector<std::uint8_t>> fetched(const std::string& url, std::size_t bytes_max) {
    std::vector<std::uint8_t> file;
    const auto got = maker_.web_.fetch(
        url, {.bytes_max = bytes_max, .deadline = steady_clock::now() + kFetchTime},
        [&](std::span<const std::uint8_t> piece) -> Result<void> {
          if (stop_.stop_requested()) return fail(ErrorCode::cancelled, "it was cancelled");
          file.insert(file.end(), piece.begin(), piece.end());
          return {};
        });
    if (got) return file;
    if (got.error().code == ErrorCode::cancelled) return tl::unexpected(got.error());
    return tl::unexpected(cannot("what the other server has made cannot be fetched",
                                 fmt::format("{} ({})", got.error().message, got.error().detail),
                                 Retry::no));
  }

  WebUpstreamMaker& maker_;
  const service::UpstreamRoute& route_;
  const service::UpstreamOrder& order_;
  const Progress& progress_;
  const std::stop_token& stop_;
};

Result<UpstreamMade> WebUpstreamMaker::make(const service::UpstreamRoute& route,
                                            const service::UpstreamOrder& order,
                                            const Progress& progress, const std::stop_token& stop) {
  Talk talk(*this, route, order, progress, stop);
  return std::holds_alternative<service::VideoRequest>(order.wanted) ? talk.video()
                                                                     : talk.pictures();
}

}  // namespace imagined::storage
