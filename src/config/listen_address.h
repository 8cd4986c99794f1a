// Where the server listens.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace imagined::config {

/// "127.0.0.1:8080", "[::1]:0"; an error names the setting that says so.
struct ListenAddress {
  std::string host;
  std::uint16_t port = 0;
};
Result<ListenAddress> parse_listen_address(std::string_view text,
                                           std::string_view setting = "http_listen");

/// `grpc_listen`; none when it is "off".
Result<std::optional<ListenAddress>> parse_grpc_listen(std::string_view text);

}  // namespace imagined::config
