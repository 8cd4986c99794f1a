// The GGUF format, versions 2 and 3: a reader that trusts nothing in the file.
// Source: ggml, docs/gguf.md.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"
#include "engine/formats/file_tensor.h"

namespace imagined::engine {

/// Limits on what stands before the tensors; beside kMaxTensors and kMaxTensorNameBytes.
inline constexpr std::uint64_t kMaxGgufHeaderBytes = 100'000'000;
inline constexpr std::size_t kMaxGgufKeys = 10'000;
inline constexpr std::size_t kMaxGgufKeyBytes = 65'535;  // the format's own limit
/// One more than ggml has: Wan's first filter, as ComfyUI-GGUF writes it (fix_5d_tensors.py).
inline constexpr std::size_t kMaxGgufDimensions = 5;
inline constexpr int kMaxGgufArrayDepth = 16;
inline constexpr std::uint64_t kMaxGgufAlignment = 1 << 20;

/// Whether the bytes begin as a GGUF file does.
bool is_gguf(std::span<const std::byte> file);

/// Checks and reads a whole GGUF file that lies in memory: its tensors in the order of their bytes,
/// the spans pointing into `file`. Shapes are in PyTorch's order (the file has them innermost
/// first), and those that the key `comfy.gguf.orig_shape.NAME` gives where there is one. All other
/// keys but `general.alignment` are checked and skipped: what a model is shows in its tensors, and
/// read_gguf_keys has the rest.
///
/// Every error is `data_loss` (cut short, not this format, ranges outside the file or in each
/// other), `invalid_argument` (a shape that cannot be) or `unimplemented` (another version, a type
/// nobody knows), and names the tensor or the key where there is one. A tensor of a known type that
/// is not decoded here is no error yet: it is not `is_readable`. Never reads outside `file`.
Result<std::vector<FileTensor>> parse_gguf(std::span<const std::byte> file);

/// Values of keys; whole numbers of any size as int64, fractions as double.
using GgufValue = std::variant<bool, std::int64_t, double, std::string, std::vector<std::int64_t>,
                               std::vector<double>, std::vector<std::string>>;
using GgufKeys = std::map<std::string, GgufValue, std::less<>>;

/// The keys that begin with `prefix`. Errors as those of parse_gguf; also `data_loss` for one whose
/// value is an array of arrays or of truths, or above every int64.
Result<GgufKeys> read_gguf_keys(std::span<const std::byte> file, std::string_view prefix);

}  // namespace imagined::engine
