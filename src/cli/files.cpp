#include "cli/files.h"

#include <fmt/core.h>

#include <cerrno>
#include <cstring>
#include <fstream>

namespace imagined::cli {

Result<void> write_file(const std::filesystem::path& path, std::span<const std::uint8_t> bytes) {
  std::filesystem::path unfinished = path;
  unfinished += ".part";
  std::ofstream stream(unfinished, std::ios::binary | std::ios::trunc);
  stream.write(reinterpret_cast<const char*>(bytes.data()),
               static_cast<std::streamsize>(bytes.size()));
  stream.close();
  std::error_code error;
  if (!stream) {
    error = std::error_code(errno, std::generic_category());
  } else {
    std::filesystem::rename(unfinished, path, error);
  }
  if (!error) return {};
  std::error_code ignored;
  std::filesystem::remove(unfinished, ignored);
  return fail(ErrorCode::storage_full,
              fmt::format("{}: cannot be written: {}", path.string(), error.message()));
}

}  // namespace imagined::cli
