#include "service/links/links.h"

#include <fmt/format.h>

namespace imagined::service {
namespace {

constexpr std::string_view kPublicFolder = "/v1/files/public/";

}  // namespace

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

std::string public_url_of(const StoredFile& file, std::string_view base) {
  if (file.public_name.empty()) return {};
  return fmt::format("{}{}{}", base, kPublicFolder, file.public_name);
}

std::optional<std::string_view> public_name_in(std::string_view path) {
  if (!path.starts_with(kPublicFolder)) return std::nullopt;
  return path.substr(kPublicFolder.size());
}

}  // namespace imagined::service
