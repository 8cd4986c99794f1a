#include "service/accounts/api_key.h"

#include <fmt/core.h>

#include <algorithm>
#include <span>

#include "base/crc32.h"
#include "base/crypto.h"

namespace imagined::service {
namespace {

constexpr std::size_t kIdLength = 12;
constexpr std::size_t kSecretLength = 43;  // 43 * log2(62) = 256 bits
constexpr std::size_t kChecksumLength = 6;

std::string checksum(std::string_view text) {
  std::uint32_t rest = crc32(text);
  std::string digits(kChecksumLength, '0');  // 62^6 > 2^32
  for (auto digit = digits.rbegin(); digit != digits.rend(); ++digit) {
    *digit = kBase62[rest % 62];
    rest /= 62;
  }
  return digits;
}

bool is_base62(std::string_view text) {
  return text.find_first_not_of(kBase62) == std::string_view::npos;
}

tl::unexpected<Error> no_key(std::string detail) {
  return fail(ErrorCode::unauthenticated, "not an API key", {}, std::move(detail));
}

}  // namespace

std::string key_hash(std::string_view secret, std::string_view pepper) {
  const std::span key(reinterpret_cast<const std::uint8_t*>(pepper.data()), pepper.size());
  return to_hex(hmac_sha256(key, secret));
}

NewKey make_key(const KeyRecipe& recipe, const Clock& clock) {
  const std::string id = random_base62(kIdLength);
  const std::string secret = random_base62(kSecretLength);
  std::string text = fmt::format("{}_{}_{}", recipe.prefix, id, secret);
  text += checksum(text);
  return {.row = {.id = id,
                  .name = std::string(recipe.name),
                  .hash = key_hash(secret, recipe.pepper),
                  .last4 = text.substr(text.size() - 4),
                  .created_ms = clock.unix_ms()},
          .secret = text};
}

Result<ParsedKey> parse_key(std::string_view text, std::string_view prefix) {
  const std::size_t length = prefix.size() + 1 + kIdLength + 1 + kSecretLength + kChecksumLength;
  if (text.size() != length) return no_key("length");
  const std::string_view id = text.substr(prefix.size() + 1, kIdLength);
  const std::string_view secret = text.substr(prefix.size() + kIdLength + 2, kSecretLength);
  const bool right_form = text.starts_with(prefix) && text[prefix.size()] == '_' &&
                          text[prefix.size() + 1 + kIdLength] == '_' && is_base62(id) &&
                          is_base62(secret);
  if (!right_form) return no_key("form");
  const std::string_view covered = text.substr(0, length - kChecksumLength);
  if (text.substr(covered.size()) != checksum(covered)) return no_key("checksum");
  return ParsedKey{.id = std::string(id), .secret = std::string(secret)};
}

std::string masked_key(std::string_view key) {
  const auto is_plain = [](char c) { return c > 0x20 && c < 0x7F && c != '"' && c != '\\'; };
  if (key.size() < 8 || !std::ranges::all_of(key, is_plain)) return "***";
  return fmt::format("{}***{}", key.substr(0, 2), key.substr(key.size() - 2));
}

}  // namespace imagined::service
