#include "hub/pull.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <fstream>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <system_error>
#include <utility>

#include "base/crypto.h"
#include "base/file.h"
#include "base/git_blob.h"
#include "base/json.h"
#include "base/json_text.h"

namespace imagined::hub {
namespace {

namespace fs = std::filesystem;

constexpr const char* kRecord = ".imagined-pull.json";
constexpr std::size_t kRecordBytesMax = 16u << 20;
// Hubs keep only what is smaller than ten megabytes in Git itself.
constexpr std::size_t kGitBytesMax = 64u << 20;
constexpr std::size_t kPieceBytes = 1u << 20;
constexpr int kAttempts = 5;

fs::path with_ending(fs::path path, const char* ending) { return path += ending; }
fs::path partial_of(const fs::path& folder) { return with_ending(folder, ".partial"); }

tl::unexpected<Error> not_written(const fs::path& path, int error) {
  const bool full = error == ENOSPC || error == EDQUOT || error == EFBIG;
  return fail(full ? ErrorCode::storage_full : ErrorCode::unavailable,
              fmt::format("{}: cannot be written: {}", path.string(),
                          std::generic_category().message(error)));
}

/// None where there is no file.
std::optional<std::uint64_t> size_of(const fs::path& path) {
  std::error_code error;
  const auto size = fs::file_size(path, error);
  return error ? std::nullopt : std::optional<std::uint64_t>(size);
}

/// Makes what was written, or renamed in a folder, outlive a loss of power.
Result<void> sync_path(const fs::path& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return not_written(path, errno);
  const int result = ::fsync(fd);
  const int error = errno;
  ::close(fd);
  return result == 0 ? Result<void>() : not_written(path, error);
}

/// Held by one pull at a time, across processes; gone with this object.
class FolderLock {
 public:
  static Result<FolderLock> take(const fs::path& folder) {
    FolderLock lock(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (lock.fd_ < 0) return not_written(folder, errno);
    if (::flock(lock.fd_, LOCK_EX | LOCK_NB) != 0)
      return fail(ErrorCode::failed_precondition,
                  fmt::format("{}: another pull is at it", folder.string()));
    return lock;
  }
  FolderLock(FolderLock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  FolderLock& operator=(FolderLock&&) = delete;
  ~FolderLock() {
    if (fd_ >= 0) ::close(fd_);
  }

 private:
  explicit FolderLock(int fd) : fd_(fd) {}
  int fd_;
};

Result<std::string> checksum_on_disk(const fs::path& path, const HubFile& file,
                                     const std::stop_token& stop) {
  if (file.sha256.empty()) return git_blob_name(TRY(read_file(path, file.path, kGitBytesMax)));
  std::ifstream stream(path, std::ios::binary);
  Sha256Stream sum;
  std::vector<std::uint8_t> piece(kPieceBytes);
  while (stream) {
    if (stop.stop_requested()) return fail(ErrorCode::cancelled, "interrupted");
    stream.read(reinterpret_cast<char*>(piece.data()), static_cast<std::streamsize>(piece.size()));
    sum.add(std::span(piece).first(static_cast<std::size_t>(stream.gcount())));
  }
  if (!stream.eof())
    return fail(ErrorCode::data_loss, fmt::format("{}: cannot be read", path.string()));
  return to_hex(sum.finish());
}

std::string_view expected_checksum(const HubFile& file) {
  return file.sha256.empty() ? file.git_blob : file.sha256;
}

Result<void> make_folder(const fs::path& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  return error ? not_written(folder, error.value()) : Result<void>();
}

/// What a pull leaves in the finished folder, so that the next one knows it again.
std::string record_of(const Repository& repository, const std::vector<HubFile>& files) {
  JsonText list = JsonText::array();
  for (const HubFile& file : files) {
    list.push(JsonText::object(
        {{"path", file.path}, {"size", file.size_bytes}, {"checksum", expected_checksum(file)}}));
  }
  return JsonText::object(
             {{"repository", repository.name}, {"commit", repository.commit}, {"files", list}})
      .indented();
}

/// "OWNER/NAME at COMMIT"; empty when no pull has made the folder.
std::string source_of(const fs::path& folder) {
  const auto text = read_file(folder / kRecord, kRecordBytesMax);
  if (!text) return {};
  const auto record = parse_json(*text, JsonLimits{});
  if (!record || !record->is_object()) return {};
  const auto word = [&](const char* key) {
    const auto found = record->find(key);
    return found != record->end() && found->is_string() ? found->get<std::string>() : "";
  };
  return word("repository") + " at " + word("commit");
}

/// One pull, from the folder's lock to its name.
class Pull {
 public:
  Pull(Hub& hub, const Repository& repository, const std::vector<HubFile>& files,
       const PullOptions& options)
      : hub_(hub),
        repository_(repository),
        files_(files),
        options_(options),
        partial_(partial_of(options.folder)) {
    for (const HubFile& file : files) progress_.bytes_total += file.size_bytes;
    progress_.count = files.size();
  }

  Result<void> run() {
    TRY(make_folder(partial_));
    const FolderLock lock = TRY(FolderLock::take(partial_));
    for (const HubFile& file : files_) {
      progress_.file = file.path;
      TRY(bring(file));
      bytes_before_ += file.size_bytes;
      ++progress_.index;
    }
    return finish();
  }

 private:
  void tell(PullProgress::Doing doing, std::uint64_t bytes_of_file) {
    progress_.doing = doing;
    progress_.bytes_done = bytes_before_ + bytes_of_file;
    if (options_.progress) options_.progress(progress_);
  }

  Result<void> bring(const HubFile& file) {
    const fs::path place = partial_ / file.path;
    TRY(make_folder(place.parent_path()));
    // Only what was right got its name; a disk may have lost it since, or the hub have another.
    if (size_of(place) == file.size_bytes && TRY(is_right(place, file))) return {};
    // An earlier version that broke off is no beginning of this one.
    const std::string version(expected_checksum(file).substr(0, 16));
    const fs::path unfinished = with_ending(place, ("." + version + ".incomplete").c_str());
    for (;;) {
      const bool continued = size_of(unfinished).value_or(0) > 0;
      TRY(fetch_all(file, unfinished));
      if (TRY(is_right(unfinished, file))) break;
      std::error_code ignored;
      fs::remove(unfinished, ignored);
      if (continued) continue;  // the beginning may have been the wrong part
      return fail(ErrorCode::data_loss,
                  fmt::format("{}: what came is not what the hub's list says ({} {}); it was "
                              "thrown away, try again later",
                              file.path, file.sha256.empty() ? "Git blob" : "SHA-256",
                              expected_checksum(file)));
    }
    TRY(sync_path(unfinished));
    std::error_code error;
    fs::rename(unfinished, place, error);
    return error ? not_written(place, error.value()) : Result<void>();
  }

  Result<bool> is_right(const fs::path& path, const HubFile& file) {
    tell(PullProgress::Doing::checking, file.size_bytes);
    const std::string found = TRY(checksum_on_disk(path, file, options_.stop));
    return found == expected_checksum(file);
  }

  /// Until all its bytes are there, whatever they are.
  Result<void> fetch_all(const HubFile& file, const fs::path& path) {
    std::uint64_t have = size_of(path).value_or(0);
    for (int attempt = 0; have != file.size_bytes || !size_of(path);) {
      if (have > file.size_bytes) have = 0;
      const auto came = fetch_from(file, path, have);
      if (!came && came.error().code != ErrorCode::unavailable &&
          came.error().code != ErrorCode::resource_exhausted)
        return came;
      const std::uint64_t now = size_of(path).value_or(0);
      attempt = now > have ? 1 : attempt + 1;
      have = now;
      if (have == file.size_bytes) break;
      if (attempt >= kAttempts)
        return came ? fail(ErrorCode::unavailable,
                           fmt::format("{}: {} of {} bytes came", file.path, have, file.size_bytes))
                    : came;
      // 0, 1, 2, 4 seconds after the first, second ... failure.
      TRY(wait(std::chrono::seconds(attempt > 1 ? 1 << (attempt - 2) : 0)));
    }
    return {};
  }

  Result<void> fetch_from(const HubFile& file, const fs::path& path, std::uint64_t from) {
    std::ofstream stream;
    std::uint64_t have = from;
    const Hub::Sink sink{
        .start = [&](std::uint64_t first) -> Result<void> {
          have = first;
          stream.open(path, std::ios::binary | (first > 0 ? std::ios::app : std::ios::trunc));
          return stream ? Result<void>() : not_written(path, errno);
        },
        .take = [&](std::span<const std::uint8_t> bytes) -> Result<void> {
          if (bytes.size() > file.size_bytes - have)
            return fail(ErrorCode::aborted,
                        fmt::format("{}: more bytes came than it has", file.path));
          stream.write(reinterpret_cast<const char*>(bytes.data()),
                       static_cast<std::streamsize>(bytes.size()));
          if (!stream) return not_written(path, errno);
          have += bytes.size();
          tell(PullProgress::Doing::fetching, have);
          return {};
        }};
    const auto came = hub_.fetch(repository_, file, from, sink, options_.stop);
    if (stream.is_open()) {
      stream.close();
      if (!stream && came) return not_written(path, errno);
    }
    return came;
  }

  Result<void> wait(std::chrono::seconds time) {
    std::mutex mutex;
    std::condition_variable_any bell;
    std::unique_lock lock(mutex);
    bell.wait_for(lock, options_.stop, time, [] { return false; });
    if (options_.stop.stop_requested()) return fail(ErrorCode::cancelled, "interrupted");
    return {};
  }

  Result<void> finish() {
    // What broke off of an earlier version of the repository.
    std::error_code error;
    std::vector<fs::path> left;
    for (const auto& entry : fs::recursive_directory_iterator(partial_, error)) {
      const fs::path path = entry.path().lexically_relative(partial_);
      const bool known = std::ranges::find(files_, path.string(), &HubFile::path) != files_.end();
      if (entry.is_regular_file(error) && !known) left.push_back(entry.path());
    }
    for (const fs::path& path : left) fs::remove(path, error);
    const fs::path record = partial_ / kRecord;
    std::ofstream stream(record, std::ios::binary | std::ios::trunc);
    stream << record_of(repository_, files_) << '\n';
    stream.close();
    if (!stream) return not_written(record, errno);
    TRY(sync_path(record));
    TRY(sync_path(partial_));
    error.clear();
    fs::rename(partial_, options_.folder, error);
    if (error) return not_written(options_.folder, error.value());
    return sync_path(options_.folder.parent_path());
  }

  Hub& hub_;
  const Repository& repository_;
  const std::vector<HubFile>& files_;
  const PullOptions& options_;
  const fs::path partial_;
  PullProgress progress_;
  std::uint64_t bytes_before_ = 0;  // of the files before this one
};

}  // namespace

Result<Standing> look_at_folder(const fs::path& folder, const Repository& repository,
                                const std::vector<HubFile>& files) {
  Standing standing;
  std::error_code error;
  const bool there = fs::exists(folder, error);
  const std::string wanted = repository.name + " at " + repository.commit;
  if (there) {
    const std::string source = source_of(folder);
    if (source != wanted) {
      return fail(ErrorCode::already_exists,
                  fmt::format("{}: is there already and is {}, not {}; move it away, or name "
                              "another folder with --dir",
                              folder.string(), source.empty() ? "not from a pull" : "of " + source,
                              wanted));
    }
  }
  for (const HubFile& file : files) {
    standing.bytes_total += file.size_bytes;
    const auto size = size_of((there ? folder : partial_of(folder)) / file.path);
    if (there && size != file.size_bytes) {
      return fail(ErrorCode::data_loss,
                  fmt::format("{}: has {} bytes, {} are right; move {} away and pull again",
                              (folder / file.path).string(), size.value_or(0), file.size_bytes,
                              folder.string()));
    }
    const std::string version(expected_checksum(file).substr(0, 16));
    const auto begun = size_of(partial_of(folder) / (file.path + "." + version + ".incomplete"));
    standing.bytes_present += std::min(size ? *size : begun.value_or(0), file.size_bytes);
  }
  standing.is_there = there;
  return standing;
}

Result<void> pull(Hub& hub, const Repository& repository, const std::vector<HubFile>& files,
                  const PullOptions& options) {
  return Pull(hub, repository, files, options).run();
}

}  // namespace imagined::hub
