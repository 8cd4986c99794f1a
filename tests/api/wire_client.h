// A client that writes bytes and reads replies, for tests of what goes over the wire.
#pragma once

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace imagined {

class WireClient {
 public:
  explicit WireClient(std::uint16_t port) : fd_(socket(AF_INET, SOCK_STREAM, 0)) {
    const timeval patience{10, 0};
    setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connected_ = connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  }
  ~WireClient() { close(fd_); }
  WireClient(const WireClient&) = delete;
  WireClient& operator=(const WireClient&) = delete;

  bool connected() const { return connected_; }

  void send(std::string_view bytes) {
    [[maybe_unused]] const auto sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  }

  /// Says that no more will be sent, and goes on reading.
  void close_sending() { shutdown(fd_, SHUT_WR); }

  /// Closes with a reset, as a client does that has not read all it was sent.
  void reset() {
    const linger at_once{1, 0};
    setsockopt(fd_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  }

  /// Whether something has come, or the end of the connection, within `limit`.
  bool readable(std::chrono::milliseconds limit) const {
    pollfd waited{fd_, POLLIN, 0};
    return poll(&waited, 1, static_cast<int>(limit.count())) == 1;
  }

  /// Whether the server has neither closed nor said anything that was not read.
  bool is_open() const {
    char byte = 0;
    return recv(fd_, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && errno == EAGAIN;
  }

  /// The next byte, which stays to be read; 0 at the end of the connection or after 10 s.
  char peek() const {
    char byte = 0;
    return recv(fd_, &byte, 1, MSG_PEEK) == 1 ? byte : '\0';
  }

  /// Everything up to the first `end`, with it; what there is when the connection ends before.
  std::string until(std::string_view end) {
    while (received_.find(end) == std::string::npos) {
      if (!receive()) return std::exchange(received_, {});
    }
    const std::string text = received_.substr(0, received_.find(end) + end.size());
    received_.erase(0, text.size());
    return text;
  }

  /// The next so many bytes; what there is when the connection ends before.
  std::string bytes(std::size_t count) {
    while (received_.size() < count && receive()) {
    }
    const std::string taken = received_.substr(0, count);
    received_.erase(0, taken.size());
    return taken;
  }

  /// Everything up to the end of the connection.
  std::string until_end() {
    while (receive()) {
    }
    return std::exchange(received_, {});
  }

  /// The next reply, head and body; empty when the server has closed or says nothing for 10 s.
  std::string reply() {
    while (received_.find("\r\n\r\n") == std::string::npos) {
      if (!receive()) return {};
    }
    const auto head_end = received_.find("\r\n\r\n") + 4;
    std::size_t length = 0;
    if (const auto at = received_.find("content-length: "); at < head_end) {
      length = std::stoul(received_.substr(at + 16));
    }
    while (received_.size() < head_end + length) {
      if (!receive()) return {};
    }
    const std::string whole = received_.substr(0, head_end + length);
    received_.erase(0, whole.size());
    return whole;
  }

  /// Status of the next reply; 0 at the end of the connection.
  int status() {
    const std::string whole = reply();
    return whole.empty() ? 0 : std::stoi(whole.substr(9, 3));
  }

 private:
  bool receive() {
    char bytes[4096];
    const auto count = recv(fd_, bytes, sizeof bytes, 0);
    if (count <= 0) return false;
    received_.append(bytes, static_cast<std::size_t>(count));
    return true;
  }

  int fd_;
  bool connected_ = false;
  std::string received_;
};

}  // namespace imagined
