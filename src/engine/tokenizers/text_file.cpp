#include "engine/tokenizers/text_file.h"

#include <fmt/core.h>

#include <cerrno>
#include <cstdio>
#include <memory>
#include <system_error>

namespace imagined::engine {
namespace {

namespace fs = std::filesystem;

tl::unexpected<Error> unreadable(const fs::path& path, ErrorCode code, std::string_view what) {
  return fail(code, fmt::format("{}: {}", path.filename().string(), what), {}, path.string());
}

}  // namespace

bool is_text_file(const fs::path& path) {
  std::error_code ignored;
  return fs::is_regular_file(path, ignored);
}

Result<std::string> read_text_file(const fs::path& path) {
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (status.type() == fs::file_type::not_found)
    return unreadable(path, ErrorCode::not_found, "no such file");
  // A pipe would make the reader wait for a writer.
  if (status.type() != fs::file_type::regular)
    return unreadable(path, ErrorCode::invalid_argument, "is not a regular file");
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rbe"),
                                                             std::fclose);
  if (file == nullptr)
    return unreadable(path, ErrorCode::permission_denied, std::generic_category().message(errno));
  std::string text;
  std::string block(1 << 16, '\0');
  while (const std::size_t count = std::fread(block.data(), 1, block.size(), file.get())) {
    text.append(block, 0, count);
    if (text.size() > kMaxTokenizerBytes)
      return unreadable(path, ErrorCode::invalid_argument,
                        fmt::format("more than {} bytes", kMaxTokenizerBytes));
  }
  if (std::ferror(file.get()) != 0) return unreadable(path, ErrorCode::data_loss, "cannot be read");
  return text;
}

}  // namespace imagined::engine
