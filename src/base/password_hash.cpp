#include "base/password_hash.h"

#include <argon2.h>

#include <array>
#include <cstdint>

#include "base/crypto.h"

namespace imagined {
namespace {

constexpr std::uint32_t kLanes = 1;
constexpr std::size_t kHashBytes = 32;

tl::unexpected<Error> failure(int code) {
  if (code == ARGON2_MEMORY_ALLOCATION_ERROR)
    return fail(ErrorCode::unavailable, "there is no memory to look at a password just now");
  return fail(ErrorCode::data_loss, "a stored password is damaged", {}, argon2_error_message(code));
}

}  // namespace

Result<std::string> hash_password(std::string_view password, PasswordCost cost) {
  std::array<std::uint8_t, kSaltBytes> salt{};
  random_bytes(salt);
  return hash_password(password, cost, salt);
}

bool same_salt(std::string_view hash, std::string_view other) {
  const auto end = hash.rfind('$');
  return end != std::string_view::npos && other.rfind('$') == end &&
         hash.substr(0, end) == other.substr(0, end);
}

Result<std::string> hash_password(std::string_view password, PasswordCost cost,
                                  std::span<const std::uint8_t, kSaltBytes> salt) {
  std::array<char, 128> text{};
  const int code =
      argon2id_hash_encoded(cost.passes, cost.memory_kib, kLanes, password.data(), password.size(),
                            salt.data(), salt.size(), kHashBytes, text.data(), text.size());
  if (code != ARGON2_OK) return failure(code);
  return std::string(text.data());
}

Result<bool> is_password(const std::string& hash, std::string_view password) {
  const int code = argon2id_verify(hash.c_str(), password.data(), password.size());
  if (code != ARGON2_OK && code != ARGON2_VERIFY_MISMATCH) return failure(code);
  return code == ARGON2_OK;
}

}  // namespace imagined
