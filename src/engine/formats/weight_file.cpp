#include "engine/formats/weight_file.h"

#include <fmt/core.h>

#include "engine/formats/gguf.h"
#include "engine/formats/safetensors.h"

namespace imagined::engine {
namespace {

Result<SafetensorsContent> parse(std::span<const std::byte> file) {
  if (!is_gguf(file)) return parse_safetensors(file);
  return SafetensorsContent{.tensors = TRY(parse_gguf(file)), .metadata = {}};
}

}  // namespace

Result<WeightFile> WeightFile::open(const std::filesystem::path& path) {
  WeightFile file;
  file.map_ = TRY(FileMap::open(path));
  Result<SafetensorsContent> content = parse(file.map_.bytes());
  if (!content) {
    Error error = std::move(content.error());
    error.message = fmt::format("{}: {}", path.filename().string(), error.message);
    error.detail = path.string();
    return tl::unexpected(std::move(error));
  }
  file.tensors_ = std::move(content->tensors);
  file.notes_ = std::move(content->metadata);
  for (std::size_t i = 0; i < file.tensors_.size(); ++i)
    file.by_name_.emplace(file.tensors_[i].name, i);
  return file;
}

std::string_view WeightFile::note(std::string_view key) const {
  const auto found = notes_.find(key);
  return found == notes_.end() ? std::string_view() : found->second;
}

const FileTensor* WeightFile::find(std::string_view name) const {
  const auto found = by_name_.find(name);
  return found == by_name_.end() ? nullptr : &tensors_[found->second];
}

}  // namespace imagined::engine
