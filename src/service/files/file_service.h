#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "service/accounts/caller.h"
#include "service/files/file.h"
#include "service/ports/blob_store.h"
#include "service/ports/file_store.h"

namespace imagined::service {

inline constexpr std::int64_t kFilesPerTeamMax = 1'000;
inline constexpr std::int64_t kFileLifeSecondsMin = 3'600;
inline constexpr std::int64_t kFileLifeSecondsMax = 30 * 24 * 3'600;
inline constexpr int kFilePageMax = 100;

/// That anybody may fetch a file, without a key.
struct PublicWish {
  std::optional<std::int64_t> life_s;  // none: as long as there is the file

  bool operator==(const PublicWish&) const = default;
};

/// A file whose bytes have arrived.
struct NewFile {
  std::string name;
  std::string blob;
  std::int64_t size_bytes = 0;
  std::optional<std::int64_t> life_s;  // none: until it is deleted
  std::optional<PublicWish> for_everybody = {};
  /// Of a picture that was made here: for whom and which. It becomes one file, however often its
  /// order is asked for again. Empty: always a new one.
  std::string order_id;
  std::string picture_id;
};

/// What a customer wants of files that its pictures are to become.
struct FileWish {
  std::string name;  // of several pictures each with its number, "kite-2.jpg"
  std::optional<std::int64_t> life_s;
  std::optional<PublicWish> for_everybody = {};

  bool operator==(const FileWish&) const = default;
};
/// "kite.jpg" is "kite-2.jpg" for the second of several.
std::string numbered_name(std::string_view name, int index, int count);

struct FilePageWish {
  int count = kFilePageMax;  // 1 to kFilePageMax
  bool newest_first = true;
  std::string after;  // the id of a file, which may be gone since; empty: from the first on
};

/// What customers can do with files. What belongs to another team, or has expired, is `not_found`;
/// a key without the scope `files` is `unauthenticated`. Any thread may call it; calls block.
class FileService {
 public:
  /// The references must outlive it.
  FileService(FileStore& files, BlobStore& blobs, const Clock& clock)
      : files_(files), blobs_(blobs), clock_(clock) {}

  /// For the bytes of one file, which `add` makes a file of. `storage_full` without room.
  Result<std::unique_ptr<BlobWriter>> begin(const Caller& caller);
  /// Whether `add` would take such files, as far as that shows before their bytes are there.
  Result<void> check(const Caller& caller, const FileWish& wish) const;
  /// `invalid_argument` for a life or a name that may not be (fields "expires_after", "filename",
  /// "public_url.expires_after"), and when the team has as many files as it may.
  Result<StoredFile> add(const Caller& caller, NewFile file);

  Result<StoredFile> find(const Caller& caller, std::string_view id);
  Result<std::vector<StoredFile>> list(const Caller& caller, const FilePageWish& wish);
  Result<std::vector<std::uint8_t>> content(const Caller& caller, std::string_view id);
  Result<void> remove(const Caller& caller, std::string_view id);

  /// From now on anybody may fetch it by its `public_name`, which stays the same until it is
  /// revoked; a team has no more of them than files. `invalid_argument` for an empty file, and for
  /// a life that may not be or is longer than the file's (field "expires_after").
  Result<StoredFile> publish(const Caller& caller, std::string_view id, const PublicWish& wish);
  /// Nobody may any more; the file as it was before.
  Result<StoredFile> revoke(const Caller& caller, std::string_view id);
  /// For anybody. `not_found` also when its time is over.
  Result<StoredFile> find_public(std::string_view public_name);
  Result<std::vector<std::uint8_t>> content(const StoredFile& file);

 private:
  FileStore& files_;
  BlobStore& blobs_;
  const Clock& clock_;
};

}  // namespace imagined::service
