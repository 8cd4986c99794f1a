#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"
#include "service/accounts/owner.h"

namespace imagined::service {

/// A file that a customer keeps here, for its later requests to name.
struct StoredFile {
  std::string id;  // "file_" and a UUID version 7: in order of time
  Owner owner;
  std::string name;  // the customer's
  std::string blob;
  std::int64_t size_bytes = 0;
  std::int64_t created_ms = 0;
  std::int64_t expires_ms = 0;       // 0: never
  std::string public_name;           // by which anybody may fetch it; empty: nobody
  std::int64_t public_until_ms = 0;  // 0: as long as there is the file

  bool operator==(const StoredFile&) const = default;
};

/// `invalid_argument` when a team that has so many files may have no more: not a limit that time
/// lifts, so that no client asks again by itself.
Result<void> check_file_count(std::int64_t count, std::int64_t files_max);

}  // namespace imagined::service
