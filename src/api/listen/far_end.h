// Whether there is still somebody at the other end of a connection.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <cstdint>
#include <string_view>

namespace imagined::api {

enum class FarEnd : std::uint8_t {
  open,
  /// It has closed, or only said that it will send no more (a half-close, which proxies and `nc -N`
  /// do and which is no farewell): the two look the same until something is sent, which the machine
  /// of one that has closed answers with a reset.
  sends_no_more,
  gone,
};

/// As the kernel knows it: bytes that nobody has read hide the end of the stream from a read.
FarEnd far_end(boost::asio::ip::tcp::socket& socket);

/// How many of the bytes found room at once; -1: the other end has gone.
int send_at_once(boost::asio::ip::tcp::socket& socket, std::string_view bytes);

}  // namespace imagined::api
