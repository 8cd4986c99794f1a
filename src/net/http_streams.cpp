#include "net/http_streams.h"

#include <algorithm>
#include <atomic>
#include <map>
#include <mutex>
#include <new>
#include <thread>
#include <utility>

#include "base/check.h"
#include "base/text.h"
#include "net/curl.h"

namespace imagined::net {

struct HttpStreams::Transfer {
  // Of the loop's thread alone.
  Curl curl;
  CurlList headers;
  std::size_t header_bytes = 0;

  StreamPost post;
  std::function<void()> on_news;
  std::size_t untaken_bytes_max = 0;

  std::mutex mutex;
  StreamNews news;
  bool is_paused = false;
};

namespace {

constexpr std::size_t kAnswerHeadBytesMax = 64 * 1024;
constexpr int kPollMs = 1'000;  // commands and sockets wake it before
constexpr long kConnectionsKept = 256;

std::size_t take_head_line(char* bytes, std::size_t, std::size_t count, void* context) {
  auto& transfer = *static_cast<HttpStreams::Transfer*>(context);
  transfer.header_bytes += count;
  if (transfer.header_bytes > kAnswerHeadBytesMax) return 0;
  std::string_view line(bytes, count);
  while (!line.empty() && line.back() <= ' ') line.remove_suffix(1);
  const std::lock_guard lock(transfer.mutex);
  if (line.starts_with("HTTP/")) {
    // That of an interim answer (100) is followed by another.
    transfer.news.content_type.clear();
    transfer.news.retry_after.clear();
    return count;
  }
  const auto colon = std::min(line.find(':'), line.size());
  const std::string_view name = line.substr(0, colon);
  const std::string value(trim(line.substr(std::min(colon + 1, line.size()))));
  if (equal_ignoring_case(name, "content-type")) transfer.news.content_type = value;
  if (equal_ignoring_case(name, "retry-after")) transfer.news.retry_after = value;
  return count;
}

int status_of(const HttpStreams::Transfer& transfer) {
  long status = 0;
  curl_easy_getinfo(transfer.curl.get(), CURLINFO_RESPONSE_CODE, &status);
  return static_cast<int>(status);
}

std::size_t take_part(char* bytes, std::size_t, std::size_t count, void* context) {
  auto& transfer = *static_cast<HttpStreams::Transfer*>(context);
  {
    const std::lock_guard lock(transfer.mutex);
    if (transfer.news.bytes.size() >= transfer.untaken_bytes_max) {
      transfer.is_paused = true;
      return CURL_WRITEFUNC_PAUSE;
    }
    transfer.news.status = status_of(transfer);
    transfer.news.bytes.append(bytes, count);
  }
  transfer.on_news();
  return count;
}

}  // namespace

/// The thread, and what others tell it to do.
class HttpStreams::Loop {
 public:
  explicit Loop(Options options) : options_(std::move(options)) {
    // Counted by the library: as many calls as there are loops.
    CHECK(curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK, "curl_global_init failed");
    multi_ = curl_multi_init();
    expect_memory(multi_ != nullptr);
    curl_multi_setopt(multi_, CURLMOPT_MAXCONNECTS, kConnectionsKept);
    thread_ = std::thread([this] { run(); });
  }

  ~Loop() {
    stopping_ = true;
    curl_multi_wakeup(multi_);
    thread_.join();
    for (auto& [curl, transfer] : running_) curl_multi_remove_handle(multi_, curl);
    running_.clear();
    curl_multi_cleanup(multi_);
    curl_global_cleanup();
  }

  const Options& options() const { return options_; }

  void begin(std::shared_ptr<Transfer> transfer) {
    tell({Command::Kind::begin, std::move(transfer)});
  }
  void go_on(std::shared_ptr<Transfer> transfer) {
    tell({Command::Kind::go_on, std::move(transfer)});
  }
  void end(std::shared_ptr<Transfer> transfer) { tell({Command::Kind::end, std::move(transfer)}); }

 private:
  struct Command {
    enum class Kind : std::uint8_t { begin, go_on, end };
    Kind kind;
    std::shared_ptr<Transfer> transfer;
  };

  void tell(Command command) {
    {
      const std::lock_guard lock(mutex_);
      commands_.push_back(std::move(command));
    }
    curl_multi_wakeup(multi_);
  }

  void run() {
    while (!stopping_) {
      obey();
      int running = 0;
      curl_multi_perform(multi_, &running);
      collect();
      curl_multi_poll(multi_, nullptr, 0, kPollMs, nullptr);
    }
  }

  void obey() {
    std::vector<Command> commands;
    {
      const std::lock_guard lock(mutex_);
      commands.swap(commands_);
    }
    for (Command& command : commands) {
      Transfer& transfer = *command.transfer;
      switch (command.kind) {
        case Command::Kind::begin:
          begin_or_fail(command.transfer);
          break;
        case Command::Kind::go_on:
          if (transfer.curl) curl_easy_pause(transfer.curl.get(), CURLPAUSE_CONT);
          break;
        case Command::Kind::end:
          forget(transfer);
          break;
      }
    }
  }

  void begin_or_fail(const std::shared_ptr<Transfer>& transfer) {
    try {
      begin_now(transfer);
    } catch (const std::bad_alloc&) {
      {
        const std::lock_guard lock(transfer->mutex);
        transfer->news.ended = true;
        transfer->news.error =
            Error{.code = ErrorCode::resource_exhausted, .message = "no memory for a request"};
      }
      transfer->on_news();
    }
  }

  void begin_now(const std::shared_ptr<Transfer>& shared) {
    Transfer& transfer = *shared;
    transfer.curl.reset(curl_easy_init());
    expect_memory(transfer.curl != nullptr);
    CURL* curl = transfer.curl.get();
    transfer.headers = list_of(transfer.post.headers);
    set(curl, CURLOPT_URL, transfer.post.url.c_str());
    set(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    set(curl, CURLOPT_HTTPHEADER, transfer.headers.get());
    if (const auto& body = transfer.post.body) {
      set(curl, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(body->size()));
      set(curl, CURLOPT_POSTFIELDS, body->data());
    }
    set(curl, CURLOPT_PROXY, "");
    set(curl, CURLOPT_FOLLOWLOCATION, 0L);
    set(curl, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
    set(curl, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
    if (const std::string& file = transfer.post.ca_file; !file.empty()) {
      set(curl, CURLOPT_CAINFO, file.c_str());
      set(curl, CURLOPT_CAPATH, nullptr);  // and nobody else
    }
    set(curl, CURLOPT_NOSIGNAL, 1L);
    set(curl, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(options_.connect_timeout.count()));
    set(curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
    set(curl, CURLOPT_LOW_SPEED_TIME, static_cast<long>(options_.silence_max.count()));
    set(curl, CURLOPT_USERAGENT, "imagined");
    set(curl, CURLOPT_HEADERFUNCTION, take_head_line);
    set(curl, CURLOPT_HEADERDATA, &transfer);
    set(curl, CURLOPT_WRITEFUNCTION, take_part);
    set(curl, CURLOPT_WRITEDATA, &transfer);
    curl_multi_add_handle(multi_, curl);
    running_.emplace(curl, shared);
  }

  void forget(Transfer& transfer) {
    if (!transfer.curl) return;
    curl_multi_remove_handle(multi_, transfer.curl.get());
    running_.erase(transfer.curl.get());  // `transfer` lives on in the command
    transfer.curl.reset();
  }

  void collect() {
    int left = 0;
    while (const CURLMsg* message = curl_multi_info_read(multi_, &left)) {
      if (message->msg != CURLMSG_DONE) continue;
      const CURLcode code = message->data.result;
      const auto found = running_.find(message->easy_handle);
      if (found == running_.end()) continue;
      const std::shared_ptr<Transfer> transfer = found->second;
      {
        const std::lock_guard lock(transfer->mutex);
        transfer->news.status = status_of(*transfer);
        transfer->news.ended = true;
        if (code != CURLE_OK)
          transfer->news.error = Error{.code = ErrorCode::unavailable,
                                       .message = "the other server gave no whole answer",
                                       .detail = curl_easy_strerror(code)};
      }
      forget(*transfer);
      transfer->on_news();
    }
  }

  const Options options_;
  CURLM* multi_ = nullptr;
  std::mutex mutex_;
  std::vector<Command> commands_;
  std::atomic<bool> stopping_ = false;
  std::map<CURL*, std::shared_ptr<Transfer>> running_;  // of the thread alone
  std::thread thread_;
};

HttpStreams::HttpStreams(Options options) : loop_(std::make_unique<Loop>(std::move(options))) {}
HttpStreams::~HttpStreams() = default;

std::unique_ptr<HttpStreams::Stream> HttpStreams::post(StreamPost post,
                                                       std::function<void()> on_news) {
  auto transfer = std::make_shared<Transfer>();
  transfer->post = std::move(post);
  transfer->post.headers.push_back("Expect:");  // no wait for a 100
  transfer->on_news = std::move(on_news);
  transfer->untaken_bytes_max = loop_->options().untaken_bytes_max;
  loop_->begin(transfer);
  return std::make_unique<Stream>(*this, std::move(transfer));
}

HttpStreams::Stream::~Stream() { streams_.loop_->end(transfer_); }

StreamNews HttpStreams::Stream::take() {
  bool was_paused = false;
  StreamNews taken;
  {
    const std::lock_guard lock(transfer_->mutex);
    StreamNews& news = transfer_->news;
    std::string bytes = std::exchange(news.bytes, {});
    taken = news;
    taken.bytes = std::move(bytes);
    was_paused = std::exchange(transfer_->is_paused, false);
  }
  if (was_paused) streams_.loop_->go_on(transfer_);
  return taken;
}

}  // namespace imagined::net
