// The safetensors format: a reader that trusts nothing in the file, and a writer.
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

/// A tensor to be written; `bytes` is row-major, little-endian and as long as shape and dtype say.
struct TensorToWrite {
  std::string name;
  DType dtype = DType::f32;
  std::vector<std::int64_t> shape;
  std::span<const std::byte> bytes;
};

/// Writes a file as the reference writer does: header padded with spaces to a multiple of 8,
/// tensors by falling element size, then by name. The file appears under its name only when it is
/// complete. A tensor whose bytes do not fit its shape, or a name twice, is our bug: CHECK fails.
/// Errors: `storage_full`, `permission_denied`, `not_found` (no such folder), `unavailable`.
Result<> write_safetensors(const std::filesystem::path& path,
                           std::span<const TensorToWrite> tensors,
                           const std::map<std::string, std::string, std::less<>>& metadata = {});

}  // namespace imagined::engine
