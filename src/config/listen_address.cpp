#include "config/listen_address.h"

#include <fmt/core.h>

#include <charconv>

namespace imagined::config {

Result<ListenAddress> parse_listen_address(std::string_view text, std::string_view setting) {
  const auto colon = text.rfind(':');
  ListenAddress address;
  if (colon != std::string_view::npos) {
    auto host = text.substr(0, colon);
    const auto port = text.substr(colon + 1);
    if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
    if (host == "localhost") host = "127.0.0.1";
    address.host = host.empty() ? "127.0.0.1" : std::string(host);
    const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), address.port);
    if (error == std::errc() && end == port.data() + port.size()) return address;
  }
  return fail(
      ErrorCode::invalid_argument,
      fmt::format("{}: expected ADDRESS:PORT such as 127.0.0.1:8080, got \"{}\"", setting, text),
      std::string(setting));
}

Result<std::optional<ListenAddress>> parse_grpc_listen(std::string_view text) {
  if (text == "off") return std::nullopt;
  return TRY(parse_listen_address(text, "grpc_listen"));
}

}  // namespace imagined::config
