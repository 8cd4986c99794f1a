// System calls on files with our errors; only this folder includes it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace imagined::storage {

/// Owns a descriptor.
class File {
 public:
  explicit File(int fd) : fd_(fd) {}
  ~File();
  File(File&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  File& operator=(File&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }

  int fd() const { return fd_; }

 private:
  int fd_;
};

/// open(2) with close-on-exec. What went wrong is told by `error_of_errno`.
Result<File> open_file(const std::filesystem::path& path, int flags, unsigned mode = 0600);
Result<void> write_all(const File& file, std::span<const std::uint8_t> bytes);
/// The whole file, unless it has more than `bytes_max` bytes (`data_loss`).
Result<std::vector<std::uint8_t>> read_all(const File& file, std::size_t bytes_max);
Result<void> sync(const File& file);
/// Makes what was renamed in a folder outlive a loss of power.
Result<void> sync_folder(const std::filesystem::path& folder);

/// The error for errno: `storage_full` for a full disk, quota or file size limit, `not_found`, else
/// `unavailable`. The path goes to the detail, never to the caller.
tl::unexpected<Error> error_of_errno(std::string_view what, const std::filesystem::path& path);

}  // namespace imagined::storage
