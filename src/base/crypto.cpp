#include "base/crypto.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/rand.h>

#include <algorithm>
#include <bit>
#include <memory>
#include <string>

#include "base/memory.h"

namespace imagined {
namespace {

constexpr std::string_view kHexDigits = "0123456789abcdef";

}  // namespace

Sha256 sha256(std::span<const std::uint8_t> bytes) {
  Sha256 digest{};
  unsigned int size = 0;
  expect_memory(
      EVP_Digest(bytes.data(), bytes.size(), digest.data(), &size, EVP_sha256(), nullptr) == 1);
  return digest;
}

Sha256 sha256(std::string_view text) {
  return sha256(std::span(reinterpret_cast<const std::uint8_t*>(text.data()), text.size()));
}

Sha256Stream::Sha256Stream() {
  std::unique_ptr<EVP_MD_CTX, void (*)(EVP_MD_CTX*)> context(EVP_MD_CTX_new(), EVP_MD_CTX_free);
  expect_memory(context && EVP_DigestInit(context.get(), EVP_sha256()) == 1);
  context_ = context.release();
}

Sha256Stream::~Sha256Stream() { EVP_MD_CTX_free(static_cast<EVP_MD_CTX*>(context_)); }

void Sha256Stream::add(std::span<const std::uint8_t> bytes) {
  expect_memory(EVP_DigestUpdate(static_cast<EVP_MD_CTX*>(context_), bytes.data(), bytes.size()) ==
                1);
}

Sha256 Sha256Stream::finish() {
  Sha256 digest{};
  expect_memory(EVP_DigestFinal(static_cast<EVP_MD_CTX*>(context_), digest.data(), nullptr) == 1);
  return digest;
}

namespace {

struct FreeMac {
  void operator()(EVP_MAC_CTX* context) const { EVP_MAC_CTX_free(context); }
};
using MacContext = std::unique_ptr<EVP_MAC_CTX, FreeMac>;

/// Looked up once a thread: OpenSSL takes longer for that than for a short text.
MacContext make_hmac() {
  EVP_MAC* algorithm = EVP_MAC_fetch(nullptr, OSSL_MAC_NAME_HMAC, nullptr);
  expect_memory(algorithm != nullptr);
  MacContext context(EVP_MAC_CTX_new(algorithm));
  EVP_MAC_free(algorithm);  // the context holds it
  std::string digest = OSSL_DIGEST_NAME_SHA2_256;
  const OSSL_PARAM parameters[] = {
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest.data(), 0),
      OSSL_PARAM_construct_end()};
  expect_memory(context != nullptr && EVP_MAC_CTX_set_params(context.get(), parameters) == 1);
  return context;
}

}  // namespace

Sha256 hmac_sha256(std::span<const std::uint8_t> key, std::string_view text) {
  thread_local const MacContext context = make_hmac();
  constexpr std::uint8_t kNoKey = 0;  // null would be the key of the last call
  const std::uint8_t* begin = key.empty() ? &kNoKey : key.data();
  Sha256 mac{};
  std::size_t size = 0;
  const bool made =
      EVP_MAC_init(context.get(), begin, key.size(), nullptr) == 1 &&
      EVP_MAC_update(context.get(), reinterpret_cast<const unsigned char*>(text.data()),
                     text.size()) == 1 &&
      EVP_MAC_final(context.get(), mac.data(), &size, mac.size()) == 1;
  expect_memory(made && size == mac.size());
  return mac;
}

void random_bytes(std::span<std::uint8_t> out) {
  expect_memory(RAND_bytes(out.data(), static_cast<int>(out.size())) == 1);
}

std::uint32_t random_seed() {
  std::array<std::uint8_t, 4> bytes;
  random_bytes(bytes);
  return std::bit_cast<std::uint32_t>(bytes);
}

std::string random_base62(std::size_t count) {
  std::string text;
  text.reserve(count);
  while (text.size() < count) {
    std::array<std::uint8_t, 64> bytes;
    random_bytes(bytes);
    for (const std::uint8_t byte : bytes) {
      // 248 is the largest multiple of 62 in a byte: above it the first letters would come more
      // often.
      if (byte < 248 && text.size() < count) text.push_back(kBase62[byte % 62]);
    }
  }
  return text;
}

bool equal_constant_time(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

std::string to_hex(std::span<const std::uint8_t> bytes) {
  std::string hex;
  hex.reserve(bytes.size() * 2);
  for (const std::uint8_t byte : bytes) {
    hex.push_back(kHexDigits[byte >> 4]);
    hex.push_back(kHexDigits[byte & 15]);
  }
  return hex;
}

void append_base64(std::span<const std::uint8_t> bytes, std::string& text) {
  const std::size_t begin = text.size();
  text.resize(begin + base64_size(bytes.size()));
  // Writes a zero byte behind its text, where that of the string stands anyway.
  EVP_EncodeBlock(reinterpret_cast<unsigned char*>(&text[begin]), bytes.data(),
                  static_cast<int>(bytes.size()));
}

std::string to_base64(std::span<const std::uint8_t> bytes) {
  std::string text;
  append_base64(bytes, text);
  return text;
}

Result<std::string> from_base64(std::string_view text) {
  constexpr std::size_t kMaxTextBytes = 1 << 30;           // OpenSSL counts in int
  const std::size_t end = text.find_last_not_of('=') + 1;  // npos + 1 is 0
  const std::size_t padding = text.size() - end;
  const bool is_spelled =
      std::all_of(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(end), [](char c) {
        return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
               c == '+' || c == '/';
      });
  if (text.size() % 4 != 0 || text.size() > kMaxTextBytes || padding > 2 || !is_spelled)
    return fail(ErrorCode::invalid_argument, "not base64");
  std::string bytes(text.size() / 4 * 3, '\0');
  EVP_DecodeBlock(reinterpret_cast<unsigned char*>(bytes.data()),
                  reinterpret_cast<const unsigned char*>(text.data()),
                  static_cast<int>(text.size()));
  bytes.resize(bytes.size() - padding);
  return bytes;
}

std::string to_base64url(std::span<const std::uint8_t> bytes) {
  std::string text = to_base64(bytes);
  while (!text.empty() && text.back() == '=') text.pop_back();
  for (char& c : text) {
    if (c == '+') c = '-';
    if (c == '/') c = '_';
  }
  return text;
}

}  // namespace imagined
