#pragma once

#include <cstdint>
#include <string>

#include "image/picture.h"

namespace imagined::service {

/// A finished picture; its bytes are the blob.
struct StoredPicture {
  std::string id;  // 22 random base62: the name in its URL
  std::string job_id;
  int index = 0;     // 0 to count - 1
  std::string blob;  // SHA-256 of the file, hex
  image::Format format = image::Format::jpeg;
  int width = 0;
  int height = 0;
  std::uint64_t seed = 0;
  std::int64_t size_bytes = 0;
  std::int64_t created_ms = 0;

  bool operator==(const StoredPicture&) const = default;
};

}  // namespace imagined::service
