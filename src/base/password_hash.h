// Passwords of people as they are kept: Argon2id (RFC 9106) in the spelling that programs share.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"

namespace imagined {

/// What one look at a password takes. By default the first of the pairs that OWASP holds equal
/// (Password Storage Cheat Sheet).
struct PasswordCost {
  std::uint32_t passes = 2;
  std::uint32_t memory_kib = 19 * 1024;  // at least 8
};

/// "$argon2id$v=19$m=19456,t=2,p=1$<salt>$<hash>", with a salt of its own. `unavailable` without
/// the memory.
Result<std::string> hash_password(std::string_view password, PasswordCost cost = {});
/// With a given salt: what is hashed with the same is compared by one look.
inline constexpr std::size_t kSaltBytes = 16;
Result<std::string> hash_password(std::string_view password, PasswordCost cost,
                                  std::span<const std::uint8_t, kSaltBytes> salt);
/// Whether both were made with the same salt and cost.
bool same_salt(std::string_view hash, std::string_view other);

/// Whether `hash`, which hash_password wrote, is of this password. `unavailable` as above;
/// `data_loss` for a text that is no hash.
Result<bool> is_password(const std::string& hash, std::string_view password);

}  // namespace imagined
