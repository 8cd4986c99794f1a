#include "service/links/signed_url.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <span>
#include <utility>

#include "base/check.h"
#include "base/crypto.h"

namespace imagined::service {
namespace {

constexpr std::string_view kFolder = "/v1/files/img/";
constexpr std::size_t kKeyIdLength = 8;

std::span<const std::uint8_t> as_bytes(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

tl::unexpected<Error> invalid_link() {
  return fail(ErrorCode::permission_denied, "the signature of this link is not valid");
}

bool is_alphanumeric(std::string_view text) {
  return std::ranges::all_of(text, [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
  });
}

/// What `sign` has put into the query. Mail programs, proxies and analytics put more into it, and
/// in another order; what they add means nothing here.
struct Signed {
  std::string_view expires;
  std::string_view key_id;
  std::string_view signature;
};

/// Refuses a query that has one of them twice or not at all.
Result<Signed> find_signed(std::string_view query) {
  std::optional<std::string_view> expires, key_id, signature;
  while (!query.empty()) {
    const std::string_view pair = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(pair.size() + 1, query.size()));
    const std::size_t name_size = std::min(pair.find('='), pair.size());
    const std::string_view name = pair.substr(0, name_size);
    std::optional<std::string_view>* const found = name == "e"   ? &expires
                                                   : name == "k" ? &key_id
                                                   : name == "s" ? &signature
                                                                 : nullptr;
    if (found == nullptr) continue;
    if (*found) return invalid_link();
    *found = pair.substr(std::min(name_size + 1, pair.size()));
  }
  if (!expires || !key_id || !signature) return invalid_link();
  return Signed{*expires, *key_id, *signature};
}

/// Unix seconds as `sign` writes them: digits, no sign, no leading zero.
Result<std::int64_t> parse_expiry(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value <= 0 || text[0] == '0')
    return invalid_link();
  return value;
}

}  // namespace

UrlSigner::UrlSigner(std::string secret) : secret_(std::move(secret)) {
  CHECK(secret_.size() >= 32, "a signing secret of {} bytes", secret_.size());
  // Names the secret without telling it, so that one day an old and a new one can live together.
  key_id_ = to_hex(hmac_sha256(as_bytes(secret_), "key id")).substr(0, kKeyIdLength);
}

std::string UrlSigner::mac(std::string_view path, std::string_view expires) const {
  return to_base64url(
      hmac_sha256(as_bytes(secret_), fmt::format("v1\nGET\n{}\n{}\n", path, expires)));
}

std::string UrlSigner::sign(const Link& link) const {
  const std::string path = fmt::format("{}{}.{}", kFolder, link.picture_id, extension(link.format));
  const std::string expires = std::to_string(link.expires_unix_s);
  return fmt::format("{}?e={}&k={}&s={}", path, expires, key_id_, mac(path, expires));
}

Result<LinkedPicture> UrlSigner::verify(std::string_view path, std::string_view query,
                                        std::int64_t now_unix_s) const {
  const Signed link = TRY(find_signed(query));
  // The signature is compared as text, so no second spelling of the same bytes gets through.
  const bool authentic =
      link.key_id == key_id_ && equal_constant_time(link.signature, mac(path, link.expires));
  if (!authentic) return invalid_link();
  if (TRY(parse_expiry(link.expires)) <= now_unix_s)
    return fail(ErrorCode::permission_denied, "this link has expired");
  if (!path.starts_with(kFolder)) return invalid_link();
  const std::string_view file = path.substr(kFolder.size());
  const std::string_view id = file.substr(0, std::min(file.find('.'), file.size()));
  if (id.size() != kPictureIdLength || !is_alphanumeric(id)) return invalid_link();
  return LinkedPicture(std::string(id));
}

}  // namespace imagined::service
