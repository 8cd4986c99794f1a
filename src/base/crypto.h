// Hashes, random bytes and their spellings; OpenSSL behind plain functions.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"

namespace imagined {

using Sha256 = std::array<std::uint8_t, 32>;

Sha256 sha256(std::span<const std::uint8_t> bytes);
Sha256 sha256(std::string_view text);
/// The same of bytes that come in pieces.
class Sha256Stream {
 public:
  Sha256Stream();
  ~Sha256Stream();
  Sha256Stream(const Sha256Stream&) = delete;
  Sha256Stream& operator=(const Sha256Stream&) = delete;

  void add(std::span<const std::uint8_t> bytes);
  /// Once, after the last piece.
  Sha256 finish();

 private:
  void* context_;  // OpenSSL's
};

Sha256 hmac_sha256(std::span<const std::uint8_t> key, std::string_view text);

/// Fills `out` from the operating system's generator, or throws.
void random_bytes(std::span<std::uint8_t> out);

/// The seed of a picture that names none: 32 bits, so that a person can type it again.
std::uint32_t random_seed();

inline constexpr std::string_view kBase62 =
    "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/// `count` random characters of kBase62, unbiased.
std::string random_base62(std::size_t count);

/// Compares in a time that depends on the lengths only.
bool equal_constant_time(std::string_view a, std::string_view b);

std::string to_hex(std::span<const std::uint8_t> bytes);
std::string to_base64(std::span<const std::uint8_t> bytes);
/// The same behind what is in `text` already; `base64_size` characters.
void append_base64(std::span<const std::uint8_t> bytes, std::string& text);
constexpr std::size_t base64_size(std::size_t size_bytes) { return (size_bytes + 2) / 3 * 4; }
/// Whole groups of four, "=" only at the end, no white space; at most 1 GiB of text.
Result<std::string> from_base64(std::string_view text);
/// URL-safe alphabet, no padding.
std::string to_base64url(std::span<const std::uint8_t> bytes);

}  // namespace imagined
