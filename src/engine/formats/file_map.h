// A file mapped into memory for reading, which survives the file being cut short under it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>

#include "base/result.h"

namespace imagined::engine {

/// Owns a read-only mapping of a whole regular file. Moves, never copies.
///
/// A page that vanishes while it is mapped (the file was truncated by someone else) normally kills
/// the process with SIGBUS. Pages of a FileMap read as zeros instead, and `intact` reports it from
/// then on; so whoever copies weights out of a mapping asks `intact` afterwards.
class FileMap {
 public:
  /// Errors: `not_found`; `invalid_argument` for a folder, a pipe or another thing that is no
  /// regular file; `permission_denied`; `resource_exhausted` when the mapping itself fails.
  /// Messages name the file without its folder; `detail` holds the whole path.
  static Result<FileMap> open(const std::filesystem::path& path);

  FileMap() = default;
  FileMap(FileMap&& other) noexcept;
  FileMap& operator=(FileMap&& other) noexcept;
  FileMap(const FileMap&) = delete;
  FileMap& operator=(const FileMap&) = delete;
  ~FileMap();

  std::span<const std::byte> bytes() const { return {begin_, size_bytes_}; }
  const std::filesystem::path& path() const { return path_; }

  /// `data_loss` when the file has shrunk since it was opened, whether or not a lost page was read,
  /// or was written to: what is read from the mapping then is no longer what was checked.
  Result<> intact() const;

 private:
  void close() noexcept;

  std::filesystem::path path_;
  const std::byte* begin_ = nullptr;
  std::size_t size_bytes_ = 0;
  std::int64_t changed_ns_ = 0;  // when the file was last written to, as it was opened
  int descriptor_ = -1;
  int guard_slot_ = -1;  // in the table of the SIGBUS handler; -1 while nothing is mapped
};

/// Takes the whole pages in a part of a mapping out of this process; they come back from the page
/// cache, or the file, when they are read again.
void release_pages(std::span<const std::byte> bytes);

}  // namespace imagined::engine
