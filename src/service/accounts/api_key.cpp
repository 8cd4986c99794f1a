#include "service/accounts/api_key.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <span>
#include <utility>

#include "base/check.h"
#include "base/crc32.h"
#include "base/crypto.h"
#include "base/text.h"
#include "base/timestamp.h"

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

tl::unexpected<Error> bad_key(std::string message, std::string detail) {
  return tl::unexpected<Error>(Error{.code = ErrorCode::unauthenticated,
                                     .message = std::move(message),
                                     .detail = std::move(detail),
                                     .reason = ErrorReason::bad_credentials});
}

tl::unexpected<Error> garbled(std::string_view text, std::string detail) {
  return bad_key(fmt::format("The API key {} is incomplete or has a typing error; copy it again.",
                             masked_key(text)),
                 std::move(detail));
}

std::string whole_key(std::string_view prefix, std::string_view id, std::string_view secret) {
  std::string text = fmt::format("{}_{}_{}", prefix, id, secret);
  return text + checksum(text);
}

}  // namespace

std::string key_hash(std::string_view secret, std::string_view pepper) {
  const std::span key(reinterpret_cast<const std::uint8_t*>(pepper.data()), pepper.size());
  return to_hex(hmac_sha256(key, secret));
}

NewKey make_key(const KeyRecipe& recipe, const Clock& clock) {
  const std::string id = random_base62(kIdLength);
  const std::string secret = random_base62(kSecretLength);
  std::string text = whole_key(recipe.prefix, id, secret);
  return {.row = {.id = id,
                  .name = std::string(recipe.name),
                  .hash = key_hash(secret, recipe.pepper),
                  .last4 = text.substr(text.size() - 4),
                  .created_ms = clock.unix_ms()},
          .secret = std::move(text)};
}

NewKey with_new_secret(const ApiKey& key, const KeyRecipe& recipe, const Clock& clock,
                       std::int64_t overlap_ms) {
  const std::string secret = random_base62(kSecretLength);
  NewKey rotated{.row = key, .secret = whole_key(recipe.prefix, key.id, secret)};
  rotated.row.previous_hash = key.hash;
  rotated.row.previous_until_ms = clock.unix_ms() + overlap_ms;
  rotated.row.hash = key_hash(secret, recipe.pepper);
  rotated.row.last4 = rotated.secret.substr(rotated.secret.size() - 4);
  return rotated;
}

bool has_secret(const ApiKey& key, std::string_view secret, std::string_view pepper,
                std::int64_t now_ms) {
  const std::string hash = key_hash(secret, pepper);
  const bool is_new = equal_constant_time(key.hash, hash);
  const bool is_old = equal_constant_time(key.previous_hash, hash);
  return is_new || (is_old && now_ms < key.previous_until_ms);
}

bool is_owner(const ApiKey& key) { return key.role == Role::owner && key.revoked_ms == 0; }

bool is_namesake(const ApiKey& person, const ApiKey& other) {
  const bool are_people = person.role && other.role;
  const bool are_there = person.revoked_ms == 0 && other.revoked_ms == 0;
  return are_people && are_there && person.org_id == other.org_id &&
         person.team_id == other.team_id && equal_ignoring_case(person.name, other.name);
}

Error name_taken(const ApiKey& person) {
  return {.code = ErrorCode::already_exists,
          .message = fmt::format("the team {:?} has a person who is called {:?} already",
                                 person.team_id, person.name),
          .field = "name"};
}

KeyState state_at(const ApiKey& key, std::int64_t unix_ms) {
  if (key.revoked_ms > 0) return KeyState::revoked;
  if (key.disabled) return KeyState::disabled;
  if (unix_ms < key.not_before_ms) return KeyState::not_yet_active;
  if (key.expires_ms > 0 && unix_ms >= key.expires_ms) return KeyState::expired;
  return KeyState::active;
}

std::string_view to_string(KeyState state) {
  constexpr std::array<std::string_view, 5> kWords = {"active", "revoked", "disabled",
                                                      "not yet active", "expired"};
  return kWords.at(static_cast<std::size_t>(state));
}

Result<void> check_usable(const ApiKey& key, std::int64_t unix_ms) {
  const KeyState state = state_at(key, unix_ms);
  const auto refuse = [state](std::string message) {
    return bad_key(std::move(message), std::string(to_string(state)));
  };
  switch (state) {
    case KeyState::active:
      return {};
    case KeyState::revoked:
      return refuse(fmt::format("This API key was revoked at {}.", to_timestamp(key.revoked_ms)));
    case KeyState::disabled:
      return refuse("This API key is disabled.");
    case KeyState::not_yet_active:
      return refuse(fmt::format("This API key is not active yet; it becomes active at {}.",
                                to_timestamp(key.not_before_ms)));
    case KeyState::expired:
      return refuse(fmt::format("This API key expired at {}.", to_timestamp(key.expires_ms)));
  }
  CHECK(false, "no state {}", static_cast<int>(state));
}

Result<ParsedKey> parse_key(std::string_view text, std::string_view prefix) {
  const std::size_t length = prefix.size() + 1 + kIdLength + 1 + kSecretLength + kChecksumLength;
  if (text.size() != length) return garbled(text, "length");
  const std::string_view id = text.substr(prefix.size() + 1, kIdLength);
  const std::string_view secret = text.substr(prefix.size() + kIdLength + 2, kSecretLength);
  const bool right_form = text.starts_with(prefix) && text[prefix.size()] == '_' &&
                          text[prefix.size() + 1 + kIdLength] == '_' && is_base62(id) &&
                          is_base62(secret);
  if (!right_form) return garbled(text, "form");
  const std::string_view covered = text.substr(0, length - kChecksumLength);
  if (text.substr(covered.size()) != checksum(covered)) return garbled(text, "checksum");
  return ParsedKey{.id = std::string(id), .secret = std::string(secret)};
}

std::string masked_key(std::string_view key) {
  const auto is_plain = [](char c) { return c > 0x20 && c < 0x7F && c != '"' && c != '\\'; };
  if (key.size() < 8 || !std::ranges::all_of(key, is_plain)) return "***";
  return fmt::format("{}***{}", key.substr(0, 2), key.substr(key.size() - 2));
}

}  // namespace imagined::service
