#include "storage/disk/data_dir.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <system_error>
#include <utility>

#include "base/crypto.h"
#include "storage/disk/file.h"

namespace imagined::storage {
namespace {

constexpr std::size_t kSecretBytes = 32;
constexpr const char* kLockName = "lock";

struct flock whole_file() {
  struct flock lock {};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  return lock;
}

// What the holder of a lock has written into its file.
std::string named_in(int fd) {
  std::array<char, 64> bytes;
  const auto count = ::pread(fd, bytes.data(), bytes.size(), 0);
  std::string text(bytes.data(), static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
  while (text.ends_with('\n')) text.pop_back();
  return text.empty() ? "a process without a name" : text;
}

tl::unexpected<Error> unusable(const std::filesystem::path& path, std::string_view why) {
  // Told to the operator who named the folder, so the path belongs into the message.
  return fail(ErrorCode::failed_precondition,
              fmt::format("data directory {}: {}", path.string(), why));
}

/// Writes a new secret beside its place and links it there: whoever is first wins, and nobody ever
/// reads half of one.
Result<void> create_secret(const std::filesystem::path& path) {
  std::array<std::uint8_t, kSecretBytes> bytes;
  random_bytes(bytes);
  const std::string text = to_hex(bytes) + "\n";
  const std::filesystem::path temporary = path.string() + fmt::format(".{}.tmp", random_base62(16));
  {
    const File file = TRY(open_file(temporary, O_WRONLY | O_CREAT | O_EXCL));
    auto written =
        write_all(file, std::span(reinterpret_cast<const std::uint8_t*>(text.data()), text.size()));
    if (written) written = sync(file);
    if (!written) {
      ::unlink(temporary.c_str());
      return written;
    }
  }
  const bool linked = ::link(temporary.c_str(), path.c_str()) == 0 || errno == EEXIST;
  auto error = error_of_errno("link", path);
  ::unlink(temporary.c_str());
  if (!linked) return error;
  return sync_folder(path.parent_path());
}

}  // namespace

Result<DataDir> DataDir::open(const std::filesystem::path& path) {
  std::error_code error;
  const std::filesystem::path absolute = std::filesystem::absolute(path, error);
  if (error) return unusable(path, error.message());
  if (!std::filesystem::exists(absolute, error)) {
    std::filesystem::create_directories(absolute, error);
    if (error) return unusable(absolute, error.message());
    if (::chmod(absolute.c_str(), 0700) != 0) return unusable(absolute, "cannot be made private");
  }
  if (!std::filesystem::is_directory(absolute, error)) return unusable(absolute, "not a folder");
  if (::access(absolute.c_str(), W_OK | X_OK) != 0) return unusable(absolute, "not writable");
  DataDir dir(absolute);
  // A folder that a package or a volume made may be open to all: what is in it is its owner's.
  using std::filesystem::perms;
  const std::string database = dir.database().string();
  for (const std::string& inside :
       {database, database + "-wal", database + "-shm", dir.blobs().string()}) {
    std::filesystem::permissions(inside, perms::group_all | perms::others_all,
                                 std::filesystem::perm_options::remove, error);
  }
  return dir;
}

bool DataDir::is_made(const std::filesystem::path& path) {
  std::error_code ignored;
  return std::filesystem::exists(DataDir(path).database(), ignored);
}

Result<std::string> DataDir::secret(std::string_view name) const {
  const std::filesystem::path path = path_ / fmt::format("{}.secret", name);
  if (::access(path.c_str(), F_OK) != 0) TRY(create_secret(path));
  const File file = TRY(open_file(path, O_RDONLY));
  struct stat status {};
  if (::fstat(file.fd(), &status) != 0) return error_of_errno("stat", path);
  if ((status.st_mode & 077) != 0)
    return unusable(path_, fmt::format("{}.secret may be read by others, expected mode 600, file "
                                       "has {:o}",
                                       name, status.st_mode & 0777));
  const auto bytes = TRY(read_all(file, 4096));
  std::string text(bytes.begin(), bytes.end());
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
  if (text.size() < 2 * kSecretBytes)
    return unusable(path_, fmt::format("{}.secret has {} letters, expected at least {}", name,
                                       text.size(), 2 * kSecretBytes));
  return text;
}

// Of open files, not of processes (fcntl(2), "Open file description locks"): it can be asked for
// without taking it, and dies with the one descriptor that holds it.
Result<DataDirLock> DataDirLock::acquire(const DataDir& dir) {
  const std::filesystem::path path = dir.path() / kLockName;
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) return error_of_errno("open", path);
  DataDirLock lock(fd);
  struct flock whole = whole_file();
  if (::fcntl(fd, F_OFD_SETLK, &whole) != 0) {
    if (errno != EAGAIN && errno != EACCES) return error_of_errno("fcntl", path);
    return fail(
        ErrorCode::failed_precondition,
        fmt::format("another imagined server is using this data directory: {}", named_in(fd)), {},
        dir.path().string());
  }
  // Who is on a full disk remains nameless.
  const std::string pid = fmt::format("pid {}\n", ::getpid());
  if (::ftruncate(fd, 0) == 0 && ::pwrite(fd, pid.data(), pid.size(), 0) < 0) ::ftruncate(fd, 0);
  return lock;
}

std::optional<std::string> DataDirLock::holder(const std::filesystem::path& data_dir) {
  const int fd = ::open((data_dir / kLockName).c_str(), O_RDWR | O_CLOEXEC);
  if (fd < 0) return std::nullopt;
  const DataDirLock open(fd);
  struct flock whole = whole_file();
  if (::fcntl(fd, F_OFD_GETLK, &whole) != 0 || whole.l_type == F_UNLCK) return std::nullopt;
  return named_in(fd);
}

DataDirLock::~DataDirLock() {
  if (fd_ >= 0) ::close(fd_);
}

DataDirLock::DataDirLock(DataDirLock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

}  // namespace imagined::storage
