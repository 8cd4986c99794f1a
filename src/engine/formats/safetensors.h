// Reading the safetensors format; nothing in a file is trusted.
// Source: huggingface/safetensors, README.md and safetensors/src/tensor.rs.
#pragma once

#include <cstddef>
#include <cstdint>
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
#include "engine/tensor/dtype.h"

namespace imagined::engine {

/// What the header of a safetensors file says.
struct SafetensorsContent {
  std::vector<FileTensor> tensors;                           // in the order of their bytes
  std::map<std::string, std::string, std::less<>> metadata;  // the `__metadata__` map
};

/// Checks and reads a whole safetensors file that lies in memory; the spans of the result point
/// into `file`. Every error is `data_loss` (cut short, not this format, ranges that are not
/// contiguous) or `invalid_argument` (a dtype or a shape that cannot be), and names the tensor
/// where there is one. Never reads outside `file`, whatever its bytes.
Result<SafetensorsContent> parse_safetensors(std::span<const std::byte> file);

/// A mapped safetensors file. Moves, never copies; immutable, so threads may share it.
class SafetensorsFile {
 public:
  /// Errors: those of FileMap::open and parse_safetensors, with the file's name before the message.
  static Result<SafetensorsFile> open(const std::filesystem::path& path);

  const FileTensor* find(std::string_view name) const;  // null when there is none
  std::span<const FileTensor> tensors() const { return content_.tensors; }
  const std::map<std::string, std::string, std::less<>>& metadata() const {
    return content_.metadata;
  }
  const std::filesystem::path& path() const { return map_.path(); }
  /// See FileMap::intact; ask after the weights were copied.
  Result<> intact() const { return map_.intact(); }

 private:
  FileMap map_;
  SafetensorsContent content_;
  std::unordered_map<std::string_view, std::size_t> by_name_;  // views into content_
};

}  // namespace imagined::engine
