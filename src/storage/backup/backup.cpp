#include "storage/backup/backup.h"

#include <fcntl.h>
#include <fmt/core.h>

#include <algorithm>
#include <cstdio>
#include <string>
#include <system_error>
#include <vector>

#include "base/log.h"
#include "storage/disk/data_dir.h"
#include "storage/disk/file.h"
#include "storage/sqlite/sqlite_database.h"

namespace imagined::storage {
namespace {

namespace fs = std::filesystem;

constexpr int kBatch = 1000;
constexpr std::size_t kSecretBytesMax = 4096;

tl::unexpected<Error> in_the_way(const fs::path& path, std::string_view what) {
  return fail(ErrorCode::already_exists, fmt::format("{}: {}", path.string(), what));
}

bool is_within(const fs::path& path, const fs::path& folder) {
  std::error_code ignored;
  const fs::path inner = fs::weakly_canonical(path, ignored);
  const fs::path outer = fs::weakly_canonical(folder, ignored);
  return std::mismatch(outer.begin(), outer.end(), inner.begin(), inner.end()).first == outer.end();
}

Result<void> check_place(const fs::path& from, const fs::path& to, const fs::path& partial) {
  std::error_code ignored;
  if (fs::exists(to, ignored) && !(fs::is_directory(to, ignored) && fs::is_empty(to, ignored)))
    return in_the_way(to, "something is here already; name a folder that is not there yet");
  if (is_within(to, from))
    return fail(
        ErrorCode::invalid_argument,
        fmt::format("{}: lies in the folder that is to be copied, {}; name one outside of it",
                    to.string(), from.string()));
  if (fs::exists(partial, ignored))
    return in_the_way(partial, "left by a copy that did not end, or one is being made; remove it");
  return {};
}

Result<void> copy_secret(const fs::path& from, const fs::path& to) {
  const File source = TRY(open_file(from, O_RDONLY));
  const auto bytes = TRY(read_all(source, kSecretBytesMax));
  const File file = TRY(open_file(to, O_WRONLY | O_CREAT | O_EXCL));
  TRY(write_all(file, bytes));
  return sync(file);
}

Result<void> copy_secrets(const DataDir& from, const DataDir& to) {
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(from.path(), error)) {
    if (entry.path().extension() == ".secret")
      TRY(copy_secret(entry.path(), to.path() / entry.path().filename()));
  }
  if (error) return fail(ErrorCode::unavailable, "the secrets could not be read");
  return {};
}

Result<void> copy_blob(service::BlobStore& from, service::BlobStore& to, const std::string& hash,
                       CopiedData& copied) {
  const auto bytes = from.get(hash);
  if (bytes) {
    TRY(to.put(*bytes));
    ++copied.files;
    copied.bytes += std::ssize(*bytes);
    return {};
  }
  const ErrorCode code = bytes.error().code;
  if (code == ErrorCode::not_found) return {};  // its picture was removed just now
  if (code != ErrorCode::data_loss) return tl::unexpected(bytes.error());
  log(LogLevel::error, "picture_damaged", "blob={}", hash);
  ++copied.damaged;
  return {};
}

// All of them: whichever table names one, a row of the copy may be the last that does.
Result<CopiedData> copy_blobs(const DataDir& from, const DataDir& to, const OpenBlobs& open_blobs) {
  const auto source = TRY(open_blobs(from.blobs()));
  const auto target = TRY(open_blobs(to.blobs()));
  CopiedData copied;
  for (std::string after;;) {
    const auto entries = TRY(source->list(after, kBatch));
    if (entries.empty()) return copied;
    after = entries.back().hash;
    for (const service::BlobEntry& entry : entries)
      TRY(copy_blob(*source, *target, entry.hash, copied));
  }
}

Result<CopiedData> copy_all(const DataDir& from, const DataDir& to, const OpenBlobs& open_blobs) {
  // Before the files: what the copied rows name was put before they were written.
  TRY(SqliteDatabase::copy(from.database(), to.database()));
  const File database = TRY(open_file(to.database(), O_RDWR));
  TRY(sync(database));
  auto copied = TRY(copy_blobs(from, to, open_blobs));
  TRY(copy_secrets(from, to));
  TRY(sync_folder(to.path()));
  return copied;
}

}  // namespace

Result<CopiedData> copy_data(const fs::path& from, const fs::path& to,
                             const OpenBlobs& open_blobs) {
  if (!DataDir::is_made(from))
    return fail(ErrorCode::not_found,
                fmt::format("{}: no server has kept anything here", from.string()));
  const fs::path target = fs::absolute(to).lexically_normal();
  const fs::path place = target.has_filename() ? target : target.parent_path();
  const fs::path partial = place.string() + ".partial";
  TRY(check_place(from, place, partial));
  const DataDir source = TRY(DataDir::open(from));
  const DataDir half = TRY(DataDir::open(partial));
  const auto copied = TRY(copy_all(source, half, open_blobs));
  if (std::rename(partial.c_str(), place.c_str()) != 0) return error_of_errno("rename", place);
  TRY(sync_folder(place.parent_path()));
  return copied;
}

}  // namespace imagined::storage
