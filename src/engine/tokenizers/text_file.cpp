#include "engine/tokenizers/text_file.h"

#include "base/file.h"

namespace imagined::engine {

bool is_text_file(const std::filesystem::path& path) {
  std::error_code ignored;
  return std::filesystem::is_regular_file(path, ignored);
}

Result<std::string> read_text_file(const std::filesystem::path& path) {
  return read_file(path, kMaxTokenizerBytes);
}

}  // namespace imagined::engine
