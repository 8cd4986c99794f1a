// A recorded run of the reference implementation, as a golden file holds it
// (tests/golden/README.md).
#pragma once

#include <cstdint>
#include <cstring>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "engine/formats/safetensors.h"

namespace imagined::engine {

inline constexpr std::int64_t kMaxRecordedTokens = 1 << 20;

/// What a golden file says about its run.
struct Recording {
  SafetensorsFile file;
  std::string prompt;
  std::string negative_prompt;
  int width = 0;
  int height = 0;
  int steps = 0;
  float guidance = 1;
  int references = 0;
  int clip_frames = 0;             // that follow the only reference; 0: a picture
  int clip_first = 1;              // time of the first of them
  int clip_stride = 1;             // from one to the next
  std::vector<std::int64_t> taps;  // empty: the model's own
  std::int64_t max_tokens = 0;     // 0: the model's own
};

/// Errors: those of SafetensorsFile::open; `invalid_argument` naming the key of the metadata that
/// is missing or is not what it should be.
Result<Recording> open_recording(const std::filesystem::path& path);

/// What a run starts from, as opposed to what it gives.
bool is_input(std::string_view name);

/// A tensor of a dtype and a number of dimensions, or `invalid_argument`.
Result<const FileTensor*> require_recorded(const SafetensorsFile& file, const std::string& name,
                                           DType dtype, std::size_t dimensions);

/// The elements of a tensor, whatever its alignment in the file.
template <class T>
std::vector<T> values_of(const FileTensor& tensor) {
  std::vector<T> values(tensor.bytes.size() / sizeof(T));
  if (!values.empty()) std::memcpy(values.data(), tensor.bytes.data(), values.size() * sizeof(T));
  return values;
}

}  // namespace imagined::engine
