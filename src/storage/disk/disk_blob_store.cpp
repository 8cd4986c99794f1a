#include "storage/disk/disk_blob_store.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <ctime>
#include <exception>
#include <map>
#include <optional>
#include <system_error>
#include <thread>
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

constexpr std::string_view kFolders = "0123456789abcdef";
constexpr std::string_view kUnfinished = ".tmp";

Result<void> set_time(const File& file, std::int64_t unix_ms) {
  const timespec time{.tv_sec = unix_ms / 1000, .tv_nsec = unix_ms % 1000 * 1'000'000};
  const timespec times[] = {time, time};
  if (::futimens(file.fd(), times) != 0) return error_of_errno("futimens", {});
  return {};
}

struct FileStatus {
  std::int64_t changed_ms = 0;
  std::int64_t size_bytes = 0;
};

/// None: it is not there (any more).
Result<std::optional<FileStatus>> status_of(const std::filesystem::path& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) {
    if (errno == ENOENT) return std::optional<FileStatus>();
    return error_of_errno("stat", path);
  }
  return std::optional(
      FileStatus{.changed_ms = status.st_mtim.tv_sec * 1000 + status.st_mtim.tv_nsec / 1'000'000,
                 .size_bytes = status.st_size});
}

/// The names in a folder, sorted.
Result<std::vector<std::string>> names_in(const std::filesystem::path& folder) {
  std::error_code error;
  std::vector<std::string> names;
  for (auto each = std::filesystem::directory_iterator(folder, error);
       !error && each != std::filesystem::directory_iterator(); each.increment(error))
    names.push_back(each->path().filename().string());
  if (error) {
    errno = error.value();
    return error_of_errno("readdir", folder);
  }
  std::ranges::sort(names);
  return names;
}

/// Held while this object lives, across processes.
Result<File> lock_folder(const std::filesystem::path& folder, int operation) {
  File file = TRY(open_file(folder, O_RDONLY | O_DIRECTORY));
  while (::flock(file.fd(), operation) != 0)
    if (errno != EINTR) return error_of_errno("flock", folder);
  return file;
}

/// Writes a file under a name that nothing looks for. Removes it on failure.
Result<File> write_unsynced(const std::filesystem::path& path, std::span<const std::uint8_t> bytes,
                            std::int64_t now_ms) {
  File file = TRY(open_file(path, O_WRONLY | O_CREAT | O_EXCL));
  auto written = write_all(file, bytes);
  if (written) written = set_time(file, now_ms);
  if (!written) {
    ::unlink(path.c_str());
    return tl::unexpected(std::move(written.error()));
  }
  return file;
}

/// Calls `work` with every number below `count`, on several threads as far as they are to be had:
/// what waits for the disk and not for the processor.
template <class Work>
void in_parallel(std::size_t count, const Work& work) {
  constexpr std::size_t kThreadsMax = 32;
  std::atomic<std::size_t> next = 0;
  const auto take_part = [&] {
    for (std::size_t i = next++; i < count; i = next++) work(i);
  };
  std::vector<std::jthread> others;
  try {
    while (others.size() + 1 < std::min(count, kThreadsMax)) others.emplace_back(take_part);
  } catch (const std::exception&) {
    // So many must do, this one among them.
  }
  take_part();
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
                                                           const Clock& clock,
                                                           MeasureSpace measure) {
  TRY(make_folder(folder));
  // All at once, so that no put has to make a folder and wait for the disk to know it. Sixteen, for
  // 256 took two seconds to sync.
  bool any_made = false;
  for (const char digit : kFolders)
    any_made = TRY(make_folder(folder / std::string(1, digit))) || any_made;
  if (any_made) TRY(sync_folder(folder));
  if (!measure) measure = ask_system;
  return std::unique_ptr<DiskBlobStore>(new DiskBlobStore(folder, clock, std::move(measure)));
}

Result<void> DiskBlobStore::check_room() {
  const DiskSpace space = TRY(measure_(folder_));
  if (space.free_bytes < reserve_bytes(space)) return no_room(space);
  return {};
}

Result<void> DiskBlobStore::check_room_for(std::size_t size_bytes) const {
  const DiskSpace space = TRY(measure_(folder_));
  if (space.free_bytes < reserve_bytes(space) / 2 + size_bytes) return no_room(space);
  return {};
}

/// Writes under an unfinished name, then renames it: to the same bytes too, which are then put
/// anew.
class DiskBlobStore::Writer final : public service::BlobWriter {
 public:
  static Result<std::unique_ptr<service::BlobWriter>> begin(const DiskBlobStore& store) {
    const std::filesystem::path path = store.folder_ / std::string(1, kFolders.front()) /
                                       fmt::format("{}{}", random_base62(16), kUnfinished);
    File file = TRY(open_file(path, O_WRONLY | O_CREAT | O_EXCL));
    return std::unique_ptr<service::BlobWriter>(new Writer(store, path, std::move(file)));
  }
  ~Writer() override {
    if (!finished_) ::unlink(path_.c_str());
  }

  Result<void> append(std::span<const std::uint8_t> bytes) override {
    TRY(store_.check_room_for(bytes.size()));
    TRY(write_all(file_, bytes));
    hash_.add(bytes);
    return {};
  }

  Result<std::string> finish() override {
    TRY(set_time(file_, store_.clock_.unix_ms()));
    TRY(sync(file_));
    std::string hash = to_hex(hash_.finish());
    const std::filesystem::path path = store_.path_of(hash);
    {
      const File lock = TRY(lock_folder(path.parent_path(), LOCK_SH));  // `remove` takes it whole
      if (std::rename(path_.c_str(), path.c_str()) != 0) return error_of_errno("rename", path);
    }
    finished_ = true;
    TRY(sync_folder(path.parent_path()));
    return hash;
  }

 private:
  Writer(const DiskBlobStore& store, std::filesystem::path path, File file)
      : store_(store), path_(std::move(path)), file_(std::move(file)) {}

  const DiskBlobStore& store_;
  const std::filesystem::path path_;
  const File file_;
  Sha256Stream hash_;
  bool finished_ = false;
};

Result<std::unique_ptr<service::BlobWriter>> DiskBlobStore::begin_put() {
  return Writer::begin(*this);
}

Result<std::string> DiskBlobStore::put(std::span<const std::uint8_t> bytes) {
  const std::span<const std::uint8_t> one[] = {bytes};
  return std::move(put_all(one).front());
}

// All are written, then all synced at once, then all renamed, then their folders synced at once:
// the file system's journal lets those who wait at the same time wait for the same writes.
std::vector<Result<std::string>> DiskBlobStore::put_all(
    std::span<const std::span<const std::uint8_t>> blobs) {
  std::vector<Result<Begun>> begun;
  for (const auto& bytes : blobs) begun.push_back(begin(bytes));
  const auto give_up = [](Result<Begun>& blob, Error error) {
    if (blob->file) ::unlink(blob->temporary.c_str());
    blob = tl::unexpected(std::move(error));
  };
  in_parallel(begun.size(), [&](std::size_t i) {
    if (!begun[i] || !begun[i]->file) return;
    if (auto synced = sync(*begun[i]->file); !synced) give_up(begun[i], std::move(synced.error()));
  });
  // Also of a file that was there: whoever made it may not have come so far.
  std::map<std::filesystem::path, Result<void>> folders;
  for (Result<Begun>& blob : begun) {
    if (!blob) continue;
    if (auto named = give_name(*blob); !named) {
      give_up(blob, std::move(named.error()));
      continue;
    }
    folders.emplace(path_of(blob->hash).parent_path(), Result<void>());
  }
  std::vector<std::pair<const std::filesystem::path, Result<void>>*> rows;
  for (auto& row : folders) rows.push_back(&row);
  in_parallel(rows.size(), [&](std::size_t i) { rows[i]->second = sync_folder(rows[i]->first); });
  std::vector<Result<std::string>> names;
  for (Result<Begun>& blob : begun) {
    if (!blob) {
      names.push_back(tl::unexpected(std::move(blob.error())));
      continue;
    }
    const Result<void>& folder = folders.at(path_of(blob->hash).parent_path());
    names.push_back(folder ? Result<std::string>(std::move(blob->hash))
                           : tl::unexpected(folder.error()));
  }
  return names;
}

Result<DiskBlobStore::Begun> DiskBlobStore::begin(std::span<const std::uint8_t> bytes) {
  TRY(check_room_for(bytes.size()));
  Begun begun{.hash = to_hex(sha256(bytes)), .file = std::nullopt, .temporary = {}};
  const std::filesystem::path folder = path_of(begun.hash).parent_path();
  if (TRY(make_folder(folder))) TRY(sync_folder(folder_));
  if (TRY(put_anew(begun.hash, bytes))) return begun;
  begun.temporary = folder / fmt::format("{}{}", random_base62(16), kUnfinished);
  begun.file.emplace(TRY(write_unsynced(begun.temporary, bytes, clock_.unix_ms())));
  return begun;
}

Result<void> DiskBlobStore::give_name(const Begun& begun) const {
  if (!begun.file) return {};
  const std::filesystem::path path = path_of(begun.hash);
  if (std::rename(begun.temporary.c_str(), path.c_str()) != 0)
    return error_of_errno("rename", path);
  return {};
}

/// The same bytes again: true when they lie there whole, which counts as put now.
Result<bool> DiskBlobStore::put_anew(std::string_view hash, std::span<const std::uint8_t> bytes) {
  const std::filesystem::path path = path_of(hash);
  const File lock = TRY(lock_folder(path.parent_path(), LOCK_SH));  // `remove` takes it whole
  auto file = open_file(path, O_RDONLY);
  if (!file && file.error().code == ErrorCode::not_found) return false;
  if (!file) return tl::unexpected(std::move(file.error()));
  const auto there = read_all(*file, kBlobBytesMax);
  if (!there || !std::ranges::equal(*there, bytes)) {
    log(LogLevel::warn, "blob_healed", "hash={}", hash);
    return false;
  }
  TRY(set_time(*file, clock_.unix_ms()));
  return true;
}

Result<std::vector<std::uint8_t>> DiskBlobStore::get(std::string_view hash) {
  // No path is made of a text that could name anything but a blob.
  if (!is_hash(hash)) return fail(ErrorCode::not_found, "no such blob");
  const std::filesystem::path path = path_of(hash);
  const File file = TRY(open_file(path, O_RDONLY));
  auto bytes = TRY(read_all(file, kBlobBytesMax));
  if (to_hex(sha256(bytes)) != hash) {
    log(LogLevel::error, "blob_damaged", "hash={} size_bytes={}", hash, bytes.size());
    return fail(ErrorCode::data_loss, "a stored file is damaged", {}, path.string());
  }
  return bytes;
}

Result<std::vector<service::BlobEntry>> DiskBlobStore::list(std::string_view after, int count_max) {
  std::vector<service::BlobEntry> entries;
  for (const char digit : kFolders) {
    if (!after.empty() && digit < after.front()) continue;
    const std::filesystem::path folder = folder_ / std::string(1, digit);
    for (const std::string& name : TRY(names_in(folder))) {
      if (!is_hash(name) || name <= after) continue;
      if (std::ssize(entries) == count_max) return entries;
      const auto status = TRY(status_of(folder / name));
      if (!status) continue;
      entries.push_back(
          {.hash = name, .put_ms = status->changed_ms, .size_bytes = status->size_bytes});
    }
  }
  return entries;
}

Result<bool> DiskBlobStore::remove(std::string_view hash, std::int64_t before_ms) {
  if (!is_hash(hash)) return false;
  const std::filesystem::path path = path_of(hash);
  const File lock = TRY(lock_folder(path.parent_path(), LOCK_EX));
  const auto status = TRY(status_of(path));
  if (!status || status->changed_ms >= before_ms) return false;
  if (::unlink(path.c_str()) != 0) return error_of_errno("unlink", path);
  return true;
}

Result<int> DiskBlobStore::remove_leftovers(std::int64_t before_ms) {
  int removed = 0;
  for (const char digit : kFolders) {
    const std::filesystem::path folder = folder_ / std::string(1, digit);
    for (const std::string& name : TRY(names_in(folder))) {
      if (!name.ends_with(kUnfinished)) continue;
      const auto status = TRY(status_of(folder / name));
      if (!status || status->changed_ms >= before_ms) continue;
      if (::unlink((folder / name).c_str()) != 0) return error_of_errno("unlink", folder / name);
      ++removed;
    }
  }
  return removed;
}

std::filesystem::path DiskBlobStore::path_of(std::string_view hash) const {
  return folder_ / std::string(hash.substr(0, 1)) / std::string(hash);
}

}  // namespace imagined::storage
