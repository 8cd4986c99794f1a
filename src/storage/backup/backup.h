// All state of a server as a second data folder: a backup, and what was restored from one.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>

#include "base/result.h"
#include "service/ports/blob_store.h"

namespace imagined::storage {

struct CopiedData {
  std::int64_t files = 0;    // of pictures
  std::int64_t bytes = 0;    // of those files
  std::int64_t damaged = 0;  // files that are not what their name says; they are left out
};

/// The files of pictures in a folder.
using OpenBlobs =
    std::function<Result<std::unique_ptr<service::BlobStore>>(const std::filesystem::path&)>;

/// Copies the data folder `from` to `to`: the database as it is at one moment, then the files that
/// it names, then the secrets. A server may be at work in `from`, which is only read. `to` is there
/// when it is whole, safe against a loss of power; until then "TO.partial" is.
///
/// `not_found` when there is no store in `from`; `invalid_argument` for a `to` within `from`, which
/// the next copy would have to hold; `already_exists` for a `to` that is no empty
/// folder, and for a "TO.partial"; `data_loss` for a database that is damaged or not ours.
Result<CopiedData> copy_data(const std::filesystem::path& from, const std::filesystem::path& to,
                             const OpenBlobs& open_blobs);

}  // namespace imagined::storage
