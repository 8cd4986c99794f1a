// A load generator for HTTP/1.1 with keep-alive: one thread, many connections, either as fast as
// the answers come (closed loop) or at a fixed rate, where a latency counts from the moment at
// which the request was due.
#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/core.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

struct Options {
  std::uint16_t port = 0;
  int connections = 32;
  double seconds = 5;
  double rate = 0;  // requests a second; 0: as fast as the answers come
  std::string method = "GET";
  std::string path = "/healthz";
  std::vector<std::string> headers;
  std::string body;  // every # in it becomes the number of the request
};

constexpr const char* kUsage =
    "load --port N [--connections N] [--seconds S] [--rate PER_S] [--method M] [--path P]\n"
    "     [--header 'name: value']... [--body TEXT, with # for the number of the request]\n"
    "Prints one line of JSON.\n";

[[noreturn]] void die(std::string_view why) {
  fmt::print(stderr, "load: {}\n{}", why, kUsage);
  std::exit(2);
}

template <class Number>
Number number_of(std::string_view text) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size())
    die(fmt::format("\"{}\" is no number", text));
  return value;
}

Options read_options(const std::vector<std::string_view>& words) {
  Options options;
  for (std::size_t i = 0; i < words.size(); i += 2) {
    if (i + 1 == words.size()) die(fmt::format("{} has no value", words[i]));
    const std::string_view name = words[i];
    const std::string_view value = words[i + 1];
    if (name == "--port") {
      options.port = number_of<std::uint16_t>(value);
    } else if (name == "--connections") {
      options.connections = number_of<int>(value);
    } else if (name == "--seconds") {
      options.seconds = number_of<double>(value);
    } else if (name == "--rate") {
      options.rate = number_of<double>(value);
    } else if (name == "--method") {
      options.method = value;
    } else if (name == "--path") {
      options.path = value;
    } else if (name == "--header") {
      options.headers.emplace_back(value);
    } else if (name == "--body") {
      options.body = value;
    } else {
      die(fmt::format("what is {}?", name));
    }
  }
  if (options.port == 0) die("--port is missing");
  return options;
}

/// Makes the text of each request.
class Requests {
 public:
  explicit Requests(const Options& options) : body_(options.body) {
    head_ = fmt::format("{} {} HTTP/1.1\r\nhost: 127.0.0.1:{}\r\n", options.method, options.path,
                        options.port);
    for (const std::string& header : options.headers) head_ += header + "\r\n";
  }

  std::string next() {
    const std::string number = std::to_string(++count_);
    std::string body;
    for (const char c : body_) c == '#' ? body += number : body += c;
    if (body.empty()) return head_ + "\r\n";
    return fmt::format("{}content-type: application/json\r\ncontent-length: {}\r\n\r\n{}", head_,
                       body.size(), body);
  }

 private:
  std::string head_;
  const std::string body_;
  std::int64_t count_ = 0;
};

struct Connection {
  int fd = -1;
  std::string received;
  Clock::time_point due;
  bool busy = false;
};

class Load {
 public:
  explicit Load(const Options& options)
      : options_(options), requests_(options), epoll_(epoll_create1(0)) {
    connections_.resize(static_cast<std::size_t>(options.connections));
    for (std::size_t i = 0; i < connections_.size(); ++i) {
      open(i);
      idle_.push_back(i);
    }
  }

  void run() {
    begin_ = Clock::now();
    const auto end = begin_ + seconds(options_.seconds);
    double sent = 0;
    std::vector<epoll_event> events(256);
    while (Clock::now() < end) {
      int wait_ms = 100;
      if (options_.rate > 0) {
        const double due =
            std::chrono::duration<double>(Clock::now() - begin_).count() * options_.rate;
        for (; sent < due; ++sent) due_.push_back(begin_ + seconds(sent / options_.rate));
        wait_ms = 0;  // a timer of a millisecond would be as long as the answers
      }
      start_idle();
      const int count = epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), wait_ms);
      for (int i = 0; i < count; ++i) read_some(events[static_cast<std::size_t>(i)].data.u64);
    }
    elapsed_ = std::chrono::duration<double>(Clock::now() - begin_).count();
  }

  void report() {
    std::ranges::sort(latencies_ms_);
    const auto at = [&](double share) {
      if (latencies_ms_.empty()) return 0.0;
      return latencies_ms_[static_cast<std::size_t>(share *
                                                    static_cast<double>(latencies_ms_.size() - 1))];
    };
    std::string statuses;
    for (const auto& [status, count] : statuses_)
      statuses += fmt::format("{}\"{}\": {}", statuses.empty() ? "" : ", ", status, count);
    fmt::print(
        "{{\"per_s\": {:.0f}, \"p50_ms\": {:.3f}, \"p99_ms\": {:.3f}, \"max_ms\": {:.3f}, "
        "\"requests\": {}, \"late\": {}, \"statuses\": {{{}}}}}\n",
        static_cast<double>(latencies_ms_.size()) / elapsed_, at(0.5), at(0.99), at(1),
        latencies_ms_.size(), due_.size(), statuses);
  }

 private:
  static Clock::duration seconds(double value) {
    return std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(value));
  }

  void open(std::size_t index) {
    Connection& connection = connections_[index];
    connection.fd = socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(options_.port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (connect(connection.fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
      die(fmt::format("cannot connect: {}", std::strerror(errno)));
    const int on = 1;
    setsockopt(connection.fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    fcntl(connection.fd, F_SETFL, O_NONBLOCK);
    epoll_event event{.events = EPOLLIN, .data = {.u64 = index}};
    epoll_ctl(epoll_, EPOLL_CTL_ADD, connection.fd, &event);
  }

  void start_idle() {
    while (!idle_.empty() && (options_.rate == 0 || !due_.empty())) {
      const std::size_t index = idle_.front();
      idle_.pop_front();
      Connection& connection = connections_[index];
      connection.due = Clock::now();
      if (options_.rate > 0) {
        connection.due = due_.front();
        due_.pop_front();
      }
      const std::string request = requests_.next();
      connection.busy = true;
      // A request is far smaller than the buffer of a socket that has nothing else in it.
      if (send(connection.fd, request.data(), request.size(), MSG_NOSIGNAL) !=
          static_cast<ssize_t>(request.size()))
        reopen(index);
    }
  }

  static bool is_whole(std::string_view text) {
    constexpr std::string_view kLength = "content-length: ";
    constexpr std::string_view kLastChunk = "\r\n0\r\n\r\n";
    const std::size_t head_end = text.find("\r\n\r\n");
    if (head_end == std::string_view::npos) return false;
    std::string head(text.substr(0, head_end));
    std::ranges::transform(head, head.begin(), [](unsigned char c) { return std::tolower(c); });
    if (head.find("\r\ntransfer-encoding: chunked") != std::string::npos)
      return text.ends_with(kLastChunk);
    const std::size_t field = head.find(kLength);
    std::size_t body_size = 0;
    if (field != std::string::npos)
      std::from_chars(head.data() + field + kLength.size(), head.data() + head.size(), body_size);
    return text.size() >= head_end + 4 + body_size;
  }

  void reopen(std::size_t index) {
    Connection& connection = connections_[index];
    close(connection.fd);
    connection = {};
    open(index);
    idle_.push_back(index);
    ++statuses_["closed"];
  }

  void read_some(std::size_t index) {
    Connection& connection = connections_[index];
    char buffer[65536];
    const ssize_t count = recv(connection.fd, buffer, sizeof buffer, 0);
    if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (count <= 0) {
      // An idle connection that was closed is still in the list of those.
      if (!connection.busy) std::erase(idle_, index);
      return reopen(index);
    }
    connection.received.append(buffer, static_cast<std::size_t>(count));
    const std::string& text = connection.received;
    if (!is_whole(text)) return;
    ++statuses_[text.substr(text.find(' ') + 1, 3)];
    latencies_ms_.push_back(
        std::chrono::duration<double, std::milli>(Clock::now() - connection.due).count());
    connection.received.clear();
    connection.busy = false;
    idle_.push_back(index);
  }

  const Options options_;
  Requests requests_;
  const int epoll_;
  std::vector<Connection> connections_;
  std::deque<std::size_t> idle_;
  std::deque<Clock::time_point> due_;  // and not yet sent
  Clock::time_point begin_;
  double elapsed_ = 0;
  std::vector<double> latencies_ms_;
  std::map<std::string, std::int64_t> statuses_;
};

}  // namespace

int main(int argc, char** argv) {
  const Options options = read_options({argv + 1, argv + argc});
  Load load(options);
  load.run();
  load.report();
}
