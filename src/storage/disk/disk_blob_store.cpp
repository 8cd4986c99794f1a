#include "storage/disk/disk_blob_store.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <system_error>
#include <utility>

#include "base/crypto.h"
#include "base/log.h"
#include "storage/disk/file.h"

namespace imagined::storage {
namespace {

constexpr std::size_t kHashLength = 64;
constexpr std::size_t kBlobBytesMax = 256u << 20;  // a PNG of 3200 x 1440 has at most 14 MB

bool is_hash(std::string_view text) {
  return text.size() == kHashLength && std::ranges::all_of(text, [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

/// Writes a file under a name that nothing looks for, and syncs it. Removes it on failure.
Result<void> write_synced(const std::filesystem::path& path, std::span<const std::uint8_t> bytes) {
  const File file = TRY(open_file(path, O_WRONLY | O_CREAT | O_EXCL));
  auto written = write_all(file, bytes);
  if (written) written = sync(file);
  if (!written) ::unlink(path.c_str());
  return written;
}

/// Makes the folder; says whether it was not there before.
Result<bool> make_folder(const std::filesystem::path& path) {
  std::error_code error;
  const bool made = std::filesystem::create_directory(path, error);
  if (error) {
    errno = error.value();
    return error_of_errno("mkdir", path);
  }
  return made;
}

Result<DiskSpace> ask_system(const std::filesystem::path& path) {
  struct statvfs status {};
  if (::statvfs(path.c_str(), &status) != 0) return error_of_errno("statvfs", path);
  return DiskSpace{.total_bytes = status.f_blocks * status.f_frsize,
                   .free_bytes = status.f_bavail * status.f_frsize};
}

std::uint64_t reserve_bytes(const DiskSpace& space) {
  return std::clamp(space.total_bytes / 20, std::uint64_t{512} << 10, std::uint64_t{64} << 20);
}

tl::unexpected<Error> no_room(const DiskSpace& space) {
  return fail(ErrorCode::storage_full, "no room left to store data", {},
              fmt::format("{} bytes free of {}", space.free_bytes, space.total_bytes));
}

}  // namespace

Result<std::unique_ptr<DiskBlobStore>> DiskBlobStore::open(const std::filesystem::path& folder,
                                                           MeasureSpace measure) {
  TRY(make_folder(folder));
  // All at once, so that no put has to make a folder and wait for the disk to know it. Sixteen, for
  // 256 took two seconds to sync.
  bool any_made = false;
  for (const char digit : std::string_view("0123456789abcdef"))
    any_made = TRY(make_folder(folder / std::string(1, digit))) || any_made;
  if (any_made) TRY(sync_folder(folder));
  if (!measure) measure = ask_system;
  return std::unique_ptr<DiskBlobStore>(new DiskBlobStore(folder, std::move(measure)));
}

Result<void> DiskBlobStore::check_room() {
  const DiskSpace space = TRY(measure_(folder_));
  if (space.free_bytes < reserve_bytes(space)) return no_room(space);
  return {};
}

Result<std::string> DiskBlobStore::put(std::span<const std::uint8_t> bytes) {
  const DiskSpace space = TRY(measure_(folder_));
  if (space.free_bytes < reserve_bytes(space) / 2 + bytes.size()) return no_room(space);
  std::string hash = to_hex(sha256(bytes));
  const std::filesystem::path folder = folder_ / hash.substr(0, 1);
  if (TRY(make_folder(folder))) TRY(sync_folder(folder_));
  const std::filesystem::path path = folder / hash;
  // There already, whole: the folder may not be synced yet by whoever made it, so sync it below.
  if (::access(path.c_str(), F_OK) != 0) {
    const std::filesystem::path temporary = folder / fmt::format("{}.tmp", random_base62(16));
    TRY(write_synced(temporary, bytes));
    if (std::rename(temporary.c_str(), path.c_str()) != 0) {
      auto error = error_of_errno("rename", path);
      ::unlink(temporary.c_str());
      return error;
    }
  }
  TRY(sync_folder(folder));
  return hash;
}

Result<std::vector<std::uint8_t>> DiskBlobStore::get(std::string_view hash) {
  // No path is made of a text that could name anything but a blob.
  if (!is_hash(hash)) return fail(ErrorCode::not_found, "no such blob");
  const std::filesystem::path path = folder_ / hash.substr(0, 1) / hash;
  const File file = TRY(open_file(path, O_RDONLY));
  auto bytes = TRY(read_all(file, kBlobBytesMax));
  if (to_hex(sha256(bytes)) != hash) {
    log(LogLevel::error, "blob_damaged", "hash={} size_bytes={}", hash, bytes.size());
    return fail(ErrorCode::data_loss, "a stored file is damaged", {}, path.string());
  }
  return bytes;
}

}  // namespace imagined::storage
