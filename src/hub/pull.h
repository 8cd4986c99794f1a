// A model's files from a hub into a folder. Until all are there and their checksums are right, they
// lie in FOLDER.partial, where the next pull goes on; then that folder gets its name.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "hub/hub.h"
#include "hub/repository.h"

namespace imagined::hub {

/// What a pull would meet.
struct Standing {
  bool is_there = false;            // the folder, of this commit, and whole
  std::uint64_t bytes_total = 0;    // of all files
  std::uint64_t bytes_present = 0;  // of these, that an earlier pull has left
};

/// `already_exists` when the folder is there and is not this repository at this commit;
/// `data_loss` when it is, and a file has another length.
Result<Standing> look_at_folder(const std::filesystem::path& folder, const Repository& repository,
                                const std::vector<HubFile>& files);

struct PullProgress {
  enum class Doing : std::uint8_t { fetching, checking };
  Doing doing = Doing::fetching;
  std::string_view file;
  std::size_t index = 0;  // of the file
  std::size_t count = 0;
  std::uint64_t bytes_done = 0;  // of all files
  std::uint64_t bytes_total = 0;
};

struct PullOptions {
  std::filesystem::path folder;  // the model's
  std::function<void(const PullProgress&)> progress;
  std::stop_token stop;
};

/// Fetches what is missing, one file after the other; each is read again from the disk and compared
/// with its checksum before it gets its name. A connection that breaks is tried again, five times
/// without a new byte. Errors as those of `Hub::fetch`, and: `data_loss` when a checksum is wrong
/// (that file is thrown away), `storage_full`, `failed_precondition` when another pull is at it.
/// What is fetched stays for the next time whatever happens.
Result<void> pull(Hub& hub, const Repository& repository, const std::vector<HubFile>& files,
                  const PullOptions& options);

}  // namespace imagined::hub
