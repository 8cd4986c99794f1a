// Which URLs are this server's own, so that it asks nobody for what it has.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace imagined::api {

/// What this server is called, as far as one call knows.
struct OwnNames {
  std::string public_url;       // as an operator has set it; may be empty
  std::string base;             // the URL before `/v1` in links for this caller
  std::string local_authority;  // our own end of the connection, "127.0.0.1:8080"; may be empty
  std::uint16_t port = 0;       // of HTTP
  bool is_encrypted = false;    // HTTP by TLS
};

/// Whether a request for the URL of `authority` is one for us: by `public_url`, by our own end of
/// the connection, or by a name of this machine with our port.
bool names_this_server(std::string_view authority, const OwnNames& names);

/// What stands behind the base of a URL that leads to this server: "/v1/files/img/...". None for a
/// URL of others.
std::optional<std::string_view> own_target(std::string_view url, const OwnNames& names);

/// The path of a picture that was made here, before its id.
inline constexpr std::string_view kOwnPictures = "/v1/files/img/";

/// "host:port", and "[::1]:port" for an IPv6 address.
std::string authority_of_endpoint(std::string_view host, std::uint16_t port);

}  // namespace imagined::api
