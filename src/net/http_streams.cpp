#include "net/http_streams.h"

#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>

#include <algorithm>
#include <array>
#include <condition_variable>
#include <map>
#include <mutex>
#include <new>
#include <thread>
#include <utility>

#include "base/check.h"
#include "base/event_fd.h"
#include "base/text.h"
#include "net/curl.h"

namespace imagined::net {

struct HttpStreams::Transfer : std::enable_shared_from_this<Transfer> {
  // Under the lock of the loop.
  Curl curl;
  CurlList headers;
  std::size_t header_bytes = 0;
  Loop* loop = nullptr;
  bool is_told = true;  // of its news

  StreamPost post;
  std::function<void()> on_news;
  std::size_t untaken_bytes_max = 0;

  std::mutex mutex;
  StreamNews news;
  bool is_paused = false;
};

namespace {

constexpr std::size_t kAnswerHeadBytesMax = 64 * 1024;
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

}  // namespace

/// The transfers and what they wait for: libcurl's sockets and its clock, behind one descriptor.
/// Whoever is there goes on with them under a lock: its own thread, whom it is lent to, and who
/// asks.
class HttpStreams::Loop {
 public:
  explicit Loop(Options options) : options_(std::move(options)) {
    // Counted by the library: as many calls as there are loops.
    CHECK(curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK, "curl_global_init failed");
    multi_ = curl_multi_init();
    expect_memory(multi_ != nullptr);
    curl_multi_setopt(multi_, CURLMOPT_MAXCONNECTS, kConnectionsKept);
    curl_multi_setopt(multi_, CURLMOPT_SOCKETFUNCTION, watch_socket);
    curl_multi_setopt(multi_, CURLMOPT_SOCKETDATA, this);
    curl_multi_setopt(multi_, CURLMOPT_TIMERFUNCTION, take_timer);
    curl_multi_setopt(multi_, CURLMOPT_TIMERDATA, this);
    watch(bell_.get());
    watch(timer_.get());
    thread_ = std::thread([this] { run(); });
  }

  ~Loop() {
    {
      const std::lock_guard lock(turn_mutex_);
      is_stopping_ = true;
    }
    turn_.notify_all();
    bell_.ring();
    thread_.join();
    for (auto& [curl, transfer] : running_) curl_multi_remove_handle(multi_, curl);
    running_.clear();
    curl_multi_cleanup(multi_);
    curl_global_cleanup();
  }

  const Options& options() const { return options_; }
  int fd() const { return ready_.get(); }

  void lend(bool is_lent) {
    std::unique_lock lock(turn_mutex_);
    is_lent_ = is_lent;
    turn_.notify_all();
    bell_.ring();
    if (is_lent) turn_.wait(lock, [this] { return is_resting_; });
  }

  void drive() {
    std::array<epoll_event, kEventsAtOnce> events;
    const int count = ::epoll_wait(ready_.get(), events.data(), kEventsAtOnce, 0);
    go_on([&] {
      for (int i = 0; i < count; ++i) act_on(events[static_cast<std::size_t>(i)]);
    });
  }

  void begin(const std::shared_ptr<Transfer>& transfer) {
    try {
      go_on([&] { begin_now(transfer); });
    } catch (const std::bad_alloc&) {
      end(*transfer);
      {
        const std::lock_guard lock(transfer->mutex);
        transfer->news.ended = true;
        transfer->news.error =
            Error{.code = ErrorCode::resource_exhausted, .message = "no memory for a request"};
      }
      transfer->on_news();
    }
  }
  void unpause(Transfer& transfer) {
    go_on([&] {
      if (transfer.curl) curl_easy_pause(transfer.curl.get(), CURLPAUSE_CONT);
    });
  }
  void end(Transfer& transfer) {
    const std::lock_guard lock(mutex_);
    forget(transfer);
    if (is_due_) set_timer(1);
  }

 private:
  static constexpr int kEventsAtOnce = 64;
  static constexpr int kDueAtOnce = 16;  // then the others' turn

  /// Does something to the transfers, and what follows from it.
  template <class Act>
  void go_on(Act act) {
    std::vector<std::shared_ptr<Transfer>> told;
    {
      const std::lock_guard lock(mutex_);
      act();
      int running = 0;
      for (int i = 0; i < kDueAtOnce && std::exchange(is_due_, false); ++i)
        curl_multi_socket_action(multi_, CURL_SOCKET_TIMEOUT, 0, &running);
      if (is_due_) set_timer(1);
      collect();
      if (untold_.empty()) return;
      told.reserve(running_.size());  // room for all that may be told of later
      told.swap(untold_);
      for (const auto& transfer : told) transfer->is_told = true;
    }
    // Once for all that has come of a transfer, its end too: each time may wake a thread.
    for (const auto& transfer : told) transfer->on_news();
  }

  void run() {
    while (true) {
      {
        std::unique_lock lock(turn_mutex_);
        is_resting_ = is_lent_;
        turn_.notify_all();
        turn_.wait(lock, [this] { return is_stopping_ || !is_lent_; });
        if (is_stopping_) return;
        is_resting_ = false;
      }
      pollfd ready{.fd = ready_.get(), .events = POLLIN, .revents = 0};
      ::poll(&ready, 1, -1);
      try {
        drive();
      } catch (const std::bad_alloc&) {  // what it had to tell is told when it is driven again
        std::this_thread::yield();
      }
    }
  }

  void act_on(const epoll_event& event) {
    int running = 0;
    if (event.data.fd == bell_.get()) {
      bell_.silence();
    } else if (event.data.fd == timer_.get()) {
      timer_.silence();
      is_timer_set_ = false;
      is_due_ = true;
    } else {
      const int happened = ((event.events & EPOLLIN) != 0 ? CURL_CSELECT_IN : 0) |
                           ((event.events & EPOLLOUT) != 0 ? CURL_CSELECT_OUT : 0) |
                           ((event.events & (EPOLLERR | EPOLLHUP)) != 0 ? CURL_CSELECT_ERR : 0);
      curl_multi_socket_action(multi_, event.data.fd, happened, &running);
    }
  }

  void watch(int fd) {
    epoll_event event{.events = EPOLLIN, .data = {.fd = fd}};
    CHECK(::epoll_ctl(ready_.get(), EPOLL_CTL_ADD, fd, &event) == 0, "cannot wait for an event");
  }

  static int watch_socket(CURL*, curl_socket_t socket, int what, void* context, void* known) {
    auto& loop = *static_cast<Loop*>(context);
    const int fd = loop.ready_.get();
    if (what == CURL_POLL_REMOVE) {
      ::epoll_ctl(fd, EPOLL_CTL_DEL, socket, nullptr);
      return 0;
    }
    const std::uint32_t events =
        ((what & CURL_POLL_IN) != 0 ? EPOLLIN : 0u) | ((what & CURL_POLL_OUT) != 0 ? EPOLLOUT : 0u);
    epoll_event event{.events = events, .data = {.fd = socket}};
    if (known == nullptr) curl_multi_assign(loop.multi_, socket, &loop);
    return ::epoll_ctl(fd, known == nullptr ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, socket, &event);
  }

  static int take_timer(CURLM*, long in_ms, void* context) {
    static_cast<Loop*>(context)->set_timer(in_ms);
    return 0;
  }
  void set_timer(long in_ms) {
    is_due_ = in_ms == 0;
    if (!std::exchange(is_timer_set_, in_ms > 0) && in_ms <= 0) return;
    itimerspec at{};  // never
    if (in_ms > 0) at.it_value = {.tv_sec = in_ms / 1000, .tv_nsec = in_ms % 1000 * 1'000'000};
    ::timerfd_settime(timer_.get(), 0, &at, nullptr);
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
    // Nothing coded is asked for; what comes so all the same is decoded.
    set(curl, CURLOPT_ACCEPT_ENCODING, "identity");
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
    transfer.loop = this;
    running_.emplace(curl, shared);
    untold_.reserve(untold_.size() + running_.size());
    curl_multi_add_handle(multi_, curl);
  }

  static std::size_t take_part(char* bytes, std::size_t, std::size_t count, void* context) {
    auto& transfer = *static_cast<Transfer*>(context);
    const std::lock_guard lock(transfer.mutex);
    if (transfer.news.bytes.size() >= transfer.untaken_bytes_max) {
      transfer.is_paused = true;
      return CURL_WRITEFUNC_PAUSE;
    }
    transfer.news.status = status_of(transfer);
    transfer.news.bytes.append(bytes, count);
    transfer.loop->has_news(transfer);
    return count;
  }

  /// Of a running transfer.
  void has_news(Transfer& transfer) {
    if (std::exchange(transfer.is_told, false)) untold_.push_back(transfer.shared_from_this());
  }

  void forget(Transfer& transfer) {
    if (!transfer.curl) return;
    curl_multi_remove_handle(multi_, transfer.curl.get());
    running_.erase(transfer.curl.get());  // `transfer` lives on, held by who calls
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
      has_news(*transfer);
      forget(*transfer);
    }
  }

  const Options options_;
  CURLM* multi_ = nullptr;
  EventFd ready_{::epoll_create1(EPOLL_CLOEXEC)};
  EventFd timer_{::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK)};
  EventFd bell_{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};  // wakes the thread

  std::mutex mutex_;     // of what follows, and of all calls of `multi_`
  bool is_due_ = false;  // libcurl wants to be called at once
  bool is_timer_set_ = false;
  std::map<CURL*, std::shared_ptr<Transfer>> running_;
  std::vector<std::shared_ptr<Transfer>> untold_;  // has room for all that run

  std::mutex turn_mutex_;
  std::condition_variable turn_;
  bool is_lent_ = false;
  bool is_resting_ = false;  // the thread, while they are lent
  bool is_stopping_ = false;
  std::thread thread_;
};

HttpStreams::HttpStreams(Options options) : loop_(std::make_unique<Loop>(std::move(options))) {}
HttpStreams::~HttpStreams() = default;

int HttpStreams::fd() const { return loop_->fd(); }
void HttpStreams::lend(bool is_lent) { loop_->lend(is_lent); }
void HttpStreams::drive() { loop_->drive(); }

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

HttpStreams::Stream::~Stream() { streams_.loop_->end(*transfer_); }

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
  if (was_paused) streams_.loop_->unpause(*transfer_);
  return taken;
}

}  // namespace imagined::net
