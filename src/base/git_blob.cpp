#include "base/git_blob.h"

#include <fmt/core.h>
#include <openssl/evp.h>

#include <array>
#include <cstdint>

#include "base/crypto.h"
#include "base/memory.h"

namespace imagined {

std::string git_blob_name(std::string_view bytes) {
  std::string whole = fmt::format("blob {}", bytes.size());
  whole += '\0';
  whole += bytes;
  std::array<std::uint8_t, 20> digest{};
  expect_memory(
      EVP_Digest(whole.data(), whole.size(), digest.data(), nullptr, EVP_sha1(), nullptr) == 1);
  return to_hex(digest);
}

}  // namespace imagined
