// URLs that strangers want fetched, read so strictly that no two readers could disagree about where
// one leads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "net/address.h"

namespace imagined::net {

inline constexpr std::size_t kUrlBytesMax = 4096;

struct Url {
  bool https = true;
  std::string host;                  // lower case; an address without brackets
  std::optional<IpAddress> address;  // when the host is one
  std::uint16_t port = 443;
  std::string target;  // path and query, as they were written

  /// The same URL with nothing left to interpretation.
  std::string text() const;
};

/// http or https, a host, perhaps a port, path and query; a fragment is dropped. `invalid_argument`
/// for anything else: other schemes, user names, characters that are not printable ASCII,
/// backslashes, hosts that some programs read as an address (`127.1`, `0x7f000001`), names with
/// escapes, an empty label or a dot at the end.
Result<Url> parse_url(std::string_view text);

/// Where a redirect of `base` leads; errors as those of `parse_url`.
Result<Url> parse_redirect(const Url& base, std::string_view location);

}  // namespace imagined::net
