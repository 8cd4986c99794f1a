// A mapped file of tensors, whatever its format.
#pragma once

#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "engine/formats/file_map.h"
#include "engine/formats/file_tensor.h"

namespace imagined::engine {

/// A safetensors or GGUF file; its first bytes say which. Moves, never copies; immutable, so
/// threads may share it.
class WeightFile {
 public:
  /// Errors: those of FileMap::open, parse_safetensors and parse_gguf, with the file's name before
  /// the message.
  static Result<WeightFile> open(const std::filesystem::path& path);

  const FileTensor* find(std::string_view name) const;  // null when there is none
  std::span<const FileTensor> tensors() const { return tensors_; }
  const std::filesystem::path& path() const { return map_.path(); }
  /// What a safetensors header says under a key of its `__metadata__`, or empty.
  std::string_view note(std::string_view key) const;
  /// See FileMap::intact; ask after the weights were copied.
  Result<> intact() const { return map_.intact(); }

 private:
  FileMap map_;
  std::vector<FileTensor> tensors_;
  std::map<std::string, std::string, std::less<>> notes_;
  std::unordered_map<std::string_view, std::size_t> by_name_;  // views into tensors_
};

}  // namespace imagined::engine
