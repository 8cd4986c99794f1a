#include "engine/formats/weight_file.h"

#include <fmt/core.h>

#include "engine/formats/gguf.h"
#include "engine/formats/safetensors.h"

namespace imagined::engine {
namespace {

Result<std::vector<FileTensor>> parse(std::span<const std::byte> file) {
  if (is_gguf(file)) return parse_gguf(file);
  return std::move(TRY(parse_safetensors(file)).tensors);
}

}  // namespace

Result<WeightFile> WeightFile::open(const std::filesystem::path& path) {
  WeightFile file;
  file.map_ = TRY(FileMap::open(path));
  Result<std::vector<FileTensor>> tensors = parse(file.map_.bytes());
  if (!tensors) {
    Error error = std::move(tensors.error());
    error.message = fmt::format("{}: {}", path.filename().string(), error.message);
    error.detail = path.string();
    return tl::unexpected(std::move(error));
  }
  file.tensors_ = std::move(*tensors);
  for (std::size_t i = 0; i < file.tensors_.size(); ++i)
    file.by_name_.emplace(file.tensors_[i].name, i);
  return file;
}

const FileTensor* WeightFile::find(std::string_view name) const {
  const auto found = by_name_.find(name);
  return found == by_name_.end() ? nullptr : &tensors_[found->second];
}

}  // namespace imagined::engine
