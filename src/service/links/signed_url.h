// Temporary links to pictures: `/v1/files/img/<picture id>.<ext>?e=<unix s>&k=<kid>&s=<MAC>`.
//
// The MAC is HMAC-SHA-256 over "v1\nGET\n<path>\n<e>\n", base64url without padding. Whoever has the
// link may fetch until it expires; nobody can make or change one.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.h"
#include "service/pictures/file_format.h"

namespace imagined::service {

inline constexpr std::int64_t kLinkLifeDefaultSeconds = 3600;
inline constexpr std::int64_t kLinkLifeMaxSeconds = 7 * 24 * 3600;

/// The right to one picture: only a link that was found good makes one.
class LinkedPicture {
 public:
  const std::string& id() const { return id_; }

 private:
  friend class UrlSigner;
  explicit LinkedPicture(std::string id) : id_(std::move(id)) {}

  std::string id_;
};

/// Immutable; any thread may use it.
class UrlSigner {
 public:
  /// `secret`: at least 32 bytes, from a file in the data directory.
  explicit UrlSigner(std::string secret);

  struct Link {
    std::string_view picture_id;
    FileFormat format = FileFormat::jpeg;
    std::int64_t expires_unix_s = 0;
  };
  /// Path and query, to be put behind the public base URL.
  std::string sign(const Link& link) const;

  /// The picture that the link is for. `path` as in the request line, `query` without the question
  /// mark. Path, `e`, `k` and `s` must be spelled as `sign` writes them, each once; whatever else
  /// was put into the query is passed over. Any other link is `permission_denied`, so is an expired
  /// one (with another message).
  Result<LinkedPicture> verify(std::string_view path, std::string_view query,
                               std::int64_t now_unix_s) const;

 private:
  std::string mac(std::string_view path, std::string_view expires) const;

  std::string secret_;
  std::string key_id_;
};

}  // namespace imagined::service
