// GGUF bytes that tests make by hand, right or wrong.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/tensor/dtype.h"

namespace imagined::engine {

/// Little-endian.
inline std::string le_bytes(std::uint64_t value, std::size_t size_bytes) {
  std::string out;
  for (std::size_t i = 0; i < size_bytes; ++i) out += static_cast<char>(value >> (8 * i));
  return out;
}
inline std::string u32_bytes(std::uint64_t value) { return le_bytes(value, 4); }
inline std::string u64_bytes(std::uint64_t value) { return le_bytes(value, 8); }
inline std::string gguf_string(std::string_view text) {
  return u64_bytes(text.size()) + std::string(text);
}

/// Puts a file together; nothing is checked, so that tests can say what they like.
class GgufBytes {
 public:
  std::uint32_t version = 3;
  std::uint64_t alignment = 32;  // of what `tensor` lays out; the key is another matter

  /// `value` as it stands in the file, behind the number of its type.
  void key(std::string_view name, std::uint32_t type, std::string_view value) {
    keys_ += gguf_string(name) + u32_bytes(type) + std::string(value);
    ++key_count_;
  }
  /// `sizes` innermost first. The data goes to the next free place.
  void tensor(std::string_view name, const std::vector<std::uint64_t>& sizes, std::uint32_t type,
              std::string_view data) {
    data_.resize((data_.size() + alignment - 1) / alignment * alignment);
    info(name, sizes, type, data_.size());
    data_ += data;
  }
  void info(std::string_view name, const std::vector<std::uint64_t>& sizes, std::uint32_t type,
            std::uint64_t offset) {
    infos_ += gguf_string(name) + u32_bytes(sizes.size());
    for (const std::uint64_t size : sizes) infos_ += u64_bytes(size);
    infos_ += u32_bytes(type) + u64_bytes(offset);
    ++tensor_count_;
  }
  void data(std::string_view bytes) { data_ += bytes; }

  std::string bytes() const {
    std::string out = "GGUF" + u32_bytes(version) + u64_bytes(tensor_count_) +
                      u64_bytes(key_count_) + keys_ + infos_;
    if (data_.empty()) return out;
    out.resize((out.size() + alignment - 1) / alignment * alignment);
    return out + data_;
  }

 private:
  std::string keys_;
  std::string infos_;
  std::string data_;
  std::uint64_t key_count_ = 0;
  std::uint64_t tensor_count_ = 0;
};

/// The smallest half-precision number that is not below `value`, which is above 0.
inline std::uint16_t half_above(float value) {
  std::uint16_t low = 0;
  std::uint16_t high = 0x7bff;  // positive ones are ordered as their bits
  while (low < high) {
    const auto middle = static_cast<std::uint16_t>((low + high) / 2);
    if (half_to_float(middle) >= value) {
      high = middle;
    } else {
      low = static_cast<std::uint16_t>(middle + 1);
    }
  }
  return low;
}

/// Numbers as Q8_0: for every 32 a scale that reaches the largest of them with 127, and quotients
/// rounded to nearest; so no number moves by more than half the scale. A multiple of 32 of them.
inline std::string q8_0_bytes(std::span<const float> values) {
  std::string out;
  for (; !values.empty(); values = values.subspan(32)) {
    float largest = 0;
    for (const float value : values.first(32)) largest = std::max(largest, std::abs(value));
    const std::uint16_t bits = half_above(largest / 127);
    const float scale = half_to_float(bits);
    out += le_bytes(bits, 2);
    for (const float value : values.first(32))
      out += static_cast<char>(scale == 0 ? 0 : std::lround(value / scale));
  }
  return out;
}

}  // namespace imagined::engine
