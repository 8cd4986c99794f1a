#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"
#include "service/files/file.h"
#include "service/links/signed_url.h"
#include "service/pictures/picture.h"

namespace imagined::service {

/// Makes and opens the temporary addresses of pictures, for every way of asking alike. Immutable;
/// any thread may use it.
class Links {
 public:
  /// `clock` must outlive it. A link works for `life_s` seconds.
  Links(UrlSigner signer, const Clock& clock, std::int64_t life_s = kLinkLifeDefaultSeconds)
      : signer_(std::move(signer)), clock_(clock), life_s_(life_s) {}

  /// `base` is what the client can reach us by, without a slash at its end: "https://a.example".
  std::string url_of(const StoredPicture& picture, std::string_view base) const;

  /// As UrlSigner::verify.
  Result<LinkedPicture> open(std::string_view path, std::string_view query) const;

 private:
  UrlSigner signer_;
  const Clock& clock_;
  std::int64_t life_s_;
};

/// Where everybody finds a public file; empty: it is none. `base` as above.
std::string public_url_of(const StoredFile& file, std::string_view base);
/// The public name in the path of such an address.
std::optional<std::string_view> public_name_in(std::string_view path);

}  // namespace imagined::service
