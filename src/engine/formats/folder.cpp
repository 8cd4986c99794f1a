#include "engine/formats/folder.h"

#include <fmt/core.h>

#include <algorithm>

#include "base/text.h"

namespace imagined::engine {

namespace fs = std::filesystem;

bool is_file(const fs::path& path) {
  std::error_code ignored;
  return fs::is_regular_file(path, ignored);
}
bool is_folder(const fs::path& path) {
  std::error_code ignored;
  return fs::is_directory(path, ignored);
}

std::string last_name(const fs::path& path) {
  const fs::path name = path.filename().empty() ? path.parent_path().filename() : path.filename();
  return name.string();
}

tl::unexpected<Error> missing(const fs::path& root, std::string_view what) {
  return fail(ErrorCode::not_found, fmt::format("{}: {} is missing", last_name(root), what), {},
              root.string());
}

bool is_weight_file_name(const fs::path& path) {
  if (path.filename().string().starts_with('.')) return false;
  const std::string ending = ascii_lower(path.extension().string());
  return ending == ".safetensors" || ending == ".sft" || ending == ".gguf";
}

std::vector<fs::path> weight_files_in(const fs::path& folder) {
  std::vector<fs::path> found;
  std::error_code error;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end;
       entry.increment(error))
    if (is_weight_file_name(entry->path()) && is_file(entry->path()))
      found.push_back(entry->path());
  std::sort(found.begin(), found.end());
  return found;
}

}  // namespace imagined::engine
