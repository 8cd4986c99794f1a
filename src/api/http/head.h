// The head of a request (RFC 9112), read more strictly than a general parser does: what two
// programs on the way could read differently is refused (reliability.md B01 to B20).
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "api/http/limits.h"
#include "api/http/message.h"

namespace imagined::api {

/// Why a head was refused; always answered, then the connection is closed.
struct HeadError {
  int status = 400;
  std::string message;
};

/// What the fields say about the body and the connection.
struct Head {
  Request request;  // body still empty
  bool version_1_0 = false;
  bool chunked = false;
  std::uint64_t content_length = 0;  // 0 when chunked or absent
  bool keep_alive = true;
  bool expects_continue = false;
  bool has_body() const { return chunked || content_length > 0; }
};

/// Parses `text`, which ends with the empty line. Returns the error, or fills `head`.
std::optional<HeadError> parse_head(std::string_view text, const Limits& limits, Head& head);

/// Whether `text` may stand in a header field: no control characters but the tab.
bool is_field_value(std::string_view text);

/// Whether `line` is `name: value`, as it must stand in a head or a trailer.
bool is_field(std::string_view line);

/// A host name or address with or without a port; nothing that could end a URL's authority.
bool is_authority(std::string_view text);

/// Decodes %XX; nothing when an escape is broken or stands for NUL.
std::optional<std::string> percent_decode(std::string_view text);

}  // namespace imagined::api
