#include "storage/disk/file.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace imagined::storage {

tl::unexpected<Error> error_of_errno(std::string_view what, const std::filesystem::path& path) {
  const int number = errno;
  std::string detail = fmt::format("{} {}: {}", what, path.string(), std::strerror(number));
  switch (number) {
    case ENOSPC:
    case EDQUOT:
    case EFBIG:  // RLIMIT_FSIZE
      return fail(ErrorCode::storage_full, "no room left to store data", {}, std::move(detail));
    case ENOENT:
      return fail(ErrorCode::not_found, "no such file", {}, std::move(detail));
    default:
      return fail(ErrorCode::unavailable, "the storage folder cannot be used", {},
                  std::move(detail));
  }
}

File::~File() {
  if (fd_ >= 0) ::close(fd_);
}

Result<File> open_file(const std::filesystem::path& path, int flags, unsigned mode) {
  const int fd = ::open(path.c_str(), flags | O_CLOEXEC, mode);
  if (fd < 0) return error_of_errno("open", path);
  return File(fd);
}

Result<void> write_all(const File& file, std::span<const std::uint8_t> bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::write(file.fd(), bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return error_of_errno("write", {});
    bytes = bytes.subspan(static_cast<std::size_t>(count));
  }
  return {};
}

Result<std::vector<std::uint8_t>> read_all(const File& file, std::size_t bytes_max) {
  struct stat status {};
  if (::fstat(file.fd(), &status) != 0) return error_of_errno("stat", {});
  const auto size_bytes = static_cast<std::size_t>(status.st_size);
  if (size_bytes > bytes_max)
    return fail(ErrorCode::data_loss, "a stored file is damaged", {},
                fmt::format("{} bytes, expected at most {}", size_bytes, bytes_max));
  std::vector<std::uint8_t> bytes(size_bytes);
  std::size_t filled = 0;
  while (filled < bytes.size()) {
    const ssize_t count = ::read(file.fd(), bytes.data() + filled, bytes.size() - filled);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return error_of_errno("read", {});
    if (count == 0) break;  // it has become shorter: the reader's checks will see
    filled += static_cast<std::size_t>(count);
  }
  bytes.resize(filled);
  return bytes;
}

Result<void> sync(const File& file) {
  // A failed sync is final: the kernel may have dropped the pages, a second one would lie.
  if (::fsync(file.fd()) != 0) return error_of_errno("fsync", {});
  return {};
}

Result<void> sync_folder(const std::filesystem::path& folder) {
  const File file = TRY(open_file(folder, O_RDONLY | O_DIRECTORY));
  return sync(file);
}

}  // namespace imagined::storage
