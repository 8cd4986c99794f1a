#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "service/pictures/file_format.h"

namespace imagined::service {

/// How the model has read what was asked for; the same for all pictures of a job.
struct Reading {
  std::int64_t prompt_tokens = 0;     // of the whole prompt; 0: not known
  std::int64_t tokens_read = 0;       // as many of them as the model takes
  std::vector<std::string> warnings;  // what has no effect: sentences for the customer, of one line

  bool operator==(const Reading&) const = default;
};

inline constexpr std::size_t kPictureIdLength = 22;

/// A finished picture or clip; its bytes are the blob.
struct StoredPicture {
  std::string id;  // 22 random base62: the name in its URL
  std::string job_id;
  int index = 0;     // 0 to count - 1
  std::string blob;  // SHA-256 of the file, hex
  FileFormat format = FileFormat::jpeg;
  int width = 0;
  int height = 0;
  std::uint64_t seed = 0;
  std::int64_t size_bytes = 0;
  std::int64_t created_ms = 0;
  std::int64_t duration_ms = 0;  // of a clip
  Reading reading;

  bool operator==(const StoredPicture&) const = default;
};

}  // namespace imagined::service
