#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace imagined::service {

/// Bytes named by their SHA-256 in hex. Thread-safe; calls block.
class BlobStore {
 public:
  virtual ~BlobStore() = default;

  /// Returns the name once the bytes are safe against a loss of power; the same bytes twice are
  /// one blob. `storage_full` when there is no room, `unavailable` for other failures.
  virtual Result<std::string> put(std::span<const std::uint8_t> bytes) = 0;

  /// `storage_full` when so little room is left that no new work should be taken. There is still
  /// room then to end what has begun.
  virtual Result<void> check_room() = 0;

  /// `not_found`; `data_loss` when the bytes do not hash to their name: such bytes never come out.
  virtual Result<std::vector<std::uint8_t>> get(std::string_view hash) = 0;
};

}  // namespace imagined::service
