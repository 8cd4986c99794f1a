// Writing the safetensors format: recordings, and the files of tests.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "engine/tensor/dtype.h"

namespace imagined::engine {

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
