#include "base/file.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

namespace imagined {
namespace {

struct Descriptor {
  int fd;
  explicit Descriptor(int number) : fd(number) {}
  ~Descriptor() {
    if (fd >= 0) ::close(fd);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
};

ErrorCode code_of(int error) {
  switch (error) {
    case ENOENT:
    case ENOTDIR:
      return ErrorCode::not_found;
    case EACCES:
    case EPERM:
      return ErrorCode::permission_denied;
    default:
      return ErrorCode::invalid_argument;
  }
}

std::string text_of(int error) {
  return error == ENOENT || error == ENOTDIR ? "no such file"
                                             : std::generic_category().message(error);
}

}  // namespace

Result<std::string> read_file(const std::filesystem::path& path, std::string_view name,
                              std::size_t bytes_max) {
  const auto refuse = [&](ErrorCode code, std::string_view what) {
    std::string detail = path == name ? std::string() : path.string();
    return fail(code, fmt::format("{}: {}", name, what), {}, std::move(detail));
  };
  // O_NONBLOCK: opening a pipe must not wait for its writer.
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (file.fd < 0) return refuse(code_of(errno), text_of(errno));
  struct stat status {};
  if (::fstat(file.fd, &status) != 0) return refuse(code_of(errno), text_of(errno));
  if (!S_ISREG(status.st_mode))
    return refuse(ErrorCode::invalid_argument,
                  S_ISDIR(status.st_mode) ? "is a folder, not a file" : "is not a regular file");
  // A byte more than it says: files of /proc say 0, and one may grow meanwhile.
  std::string bytes(std::min<std::size_t>(static_cast<std::size_t>(status.st_size), bytes_max) + 1,
                    '\0');
  std::size_t size = 0;
  while (true) {
    const ssize_t count = ::read(file.fd, bytes.data() + size, bytes.size() - size);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return refuse(ErrorCode::data_loss, text_of(errno));
    size += static_cast<std::size_t>(count);
    if (size > bytes_max)
      return refuse(ErrorCode::invalid_argument,
                    fmt::format("more than {} bytes, which are allowed", bytes_max));
    if (count == 0) break;
    if (size == bytes.size()) bytes.resize(std::min(2 * size, bytes_max) + 1);
  }
  bytes.resize(size);
  return bytes;
}

Result<std::string> read_file(const std::filesystem::path& path, std::size_t bytes_max) {
  return read_file(path, path.filename().string(), bytes_max);
}

}  // namespace imagined
