// Temporary links to pictures: `/v1/files/img/<picture id>.<ext>?e=<unix s>&k=<kid>&s=<MAC>`.
//
// The MAC is HMAC-SHA-256 over "v1\nGET\n<path>\n<e>\n", base64url without padding. Whoever has the
// link may fetch until it expires; nobody can make or change one.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "image/picture.h"

namespace imagined::service {

inline constexpr std::int64_t kLinkLifeDefaultSeconds = 3600;
inline constexpr std::int64_t kLinkLifeMaxSeconds = 7 * 24 * 3600;

/// Immutable; any thread may use it.
class UrlSigner {
 public:
  /// `secret`: at least 32 bytes, from a file in the data directory.
  explicit UrlSigner(std::string secret);

  struct Link {
    std::string_view picture_id;
    image::Format format = image::Format::jpeg;
    std::int64_t expires_unix_s = 0;
  };
  /// Path and query, to be put behind the public base URL.
  std::string sign(const Link& link) const;

  /// The picture's id. `path` as in the request line, `query` without the question mark. Exactly
  /// the spelling that `sign` writes is accepted; any other is `permission_denied`, so is an
  /// expired one (with another message).
  Result<std::string> verify(std::string_view path, std::string_view query,
                             std::int64_t now_unix_s) const;

 private:
  std::string mac(std::string_view path, std::string_view expires) const;

  std::string secret_;
  std::string key_id_;
};

/// "image/png" to its format, for a link made from a stored picture.
image::Format format_of_mime_type(std::string_view mime_type);

}  // namespace imagined::service
