#include "service/links/links.h"

namespace imagined::service {

std::string Links::url_of(const StoredPicture& picture, std::string_view base) const {
  std::string url(base);
  url += signer_.sign({.picture_id = picture.id,
                       .format = picture.format,
                       .expires_unix_s = clock_.unix_ms() / 1000 + life_s_});
  return url;
}

Result<LinkedPicture> Links::open(std::string_view path, std::string_view query) const {
  return signer_.verify(path, query, clock_.unix_ms() / 1000);
}

}  // namespace imagined::service
