// A client that writes bytes and reads replies, for tests of what goes over the wire.
#pragma once

#include <arpa/inet.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cstdint>
#include <string>
#include <string_view>

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
