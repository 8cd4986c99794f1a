#include "engine/lab/recording.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>

namespace imagined::engine {
namespace {

Result<std::string> text_of(const SafetensorsFile& file, const char* key) {
  const auto found = file.metadata().find(key);
  if (found == file.metadata().end()) {
    return fail(ErrorCode::invalid_argument, fmt::format("golden file: no \"{}\"", key));
  }
  return found->second;
}

template <class T>
Result<T> number_of(const SafetensorsFile& file, const char* key, T low, T high) {
  const std::string text = TRY(text_of(file, key));
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || !(value >= low) ||
      !(value <= high)) {
    return fail(ErrorCode::invalid_argument,
                fmt::format("golden file: \"{}\" is \"{}\", not a number from {} to {}", key, text,
                            low, high));
  }
  return value;
}

Result<std::vector<std::int64_t>> taps_of(const SafetensorsFile& file) {
  std::vector<std::int64_t> taps;
  const auto found = file.metadata().find("text_encoder_out_layers");
  if (found == file.metadata().end()) return taps;
  std::string_view rest = found->second;
  while (!rest.empty()) {
    const std::size_t comma = std::min(rest.find(','), rest.size());
    std::int64_t tap = 0;
    const auto [end, error] = std::from_chars(rest.data(), rest.data() + comma, tap);
    if (error != std::errc() || end != rest.data() + comma) {
      return fail(ErrorCode::invalid_argument,
                  fmt::format("golden file: \"text_encoder_out_layers\" is \"{}\"", found->second));
    }
    taps.push_back(tap);
    rest.remove_prefix(std::min(comma + 1, rest.size()));
  }
  return taps;
}

}  // namespace

Result<Recording> open_recording(const std::filesystem::path& path) {
  Recording recording{.file = TRY(SafetensorsFile::open(path))};
  const SafetensorsFile& file = recording.file;
  if (TRY(text_of(file, "format")) != "imagined-golden-1") {
    return fail(ErrorCode::invalid_argument, "golden file: \"format\" is not imagined-golden-1");
  }
  recording.prompt = TRY(text_of(file, "prompt"));
  if (file.metadata().count("negative_prompt") > 0) {
    recording.negative_prompt = TRY(text_of(file, "negative_prompt"));
  }
  recording.width = TRY(number_of<int>(file, "width", 1, 1 << 14));
  recording.height = TRY(number_of<int>(file, "height", 1, 1 << 14));
  recording.steps = TRY(number_of<int>(file, "steps", 1, 1000));
  recording.guidance = TRY(number_of<float>(file, "guidance", 0.0f, 1000.0f));
  recording.references = TRY(number_of<int>(file, "references", 0, 64));
  if (file.metadata().count("clip_frames") > 0)
    recording.clip_frames = TRY(number_of<int>(file, "clip_frames", 0, 256));
  if (file.metadata().count("clip_stride") > 0) {
    recording.clip_first = TRY(number_of<int>(file, "clip_first", 1, 256));
    recording.clip_stride = TRY(number_of<int>(file, "clip_stride", 1, 256));
  }
  recording.taps = TRY(taps_of(file));
  if (file.metadata().count("max_sequence_length") > 0) {
    recording.max_tokens =
        TRY(number_of<std::int64_t>(file, "max_sequence_length", 0, kMaxRecordedTokens));
  }
  return recording;
}

Result<const FileTensor*> require_recorded(const SafetensorsFile& file, const std::string& name,
                                           DType dtype, std::size_t dimensions) {
  const FileTensor* tensor = file.find(name);
  if (tensor == nullptr) {
    return fail(ErrorCode::invalid_argument, fmt::format("golden file: no tensor \"{}\"", name));
  }
  if (tensor->dtype != dtype || tensor->shape.size() != dimensions) {
    return fail(ErrorCode::invalid_argument,
                fmt::format("golden file: tensor \"{}\" is {} with {} dimensions, not {} with {}",
                            name, tensor->dtype_name, tensor->shape.size(),
                            imagined::engine::name(dtype), dimensions));
  }
  return tensor;
}

bool is_input(std::string_view name) {
  return name == "noise" || name.starts_with("noise_") ||
         (name.starts_with("reference_") && !name.starts_with("reference_latents_"));
}

}  // namespace imagined::engine
