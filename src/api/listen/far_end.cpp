#include "api/listen/far_end.h"

#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>

namespace imagined::api {

FarEnd far_end(boost::asio::ip::tcp::socket& socket) {
  tcp_info info{};
  socklen_t size = sizeof info;
  if (getsockopt(socket.native_handle(), IPPROTO_TCP, TCP_INFO, &info, &size) != 0)
    return FarEnd::gone;
  if (info.tcpi_state == TCP_ESTABLISHED) return FarEnd::open;
  return info.tcpi_state == TCP_CLOSE_WAIT ? FarEnd::sends_no_more : FarEnd::gone;
}

int send_at_once(boost::asio::ip::tcp::socket& socket, std::string_view bytes) {
  const auto sent =
      ::send(socket.native_handle(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  if (sent < 0) return errno == EAGAIN || errno == EWOULDBLOCK ? 0 : -1;
  return static_cast<int>(sent);
}

}  // namespace imagined::api
