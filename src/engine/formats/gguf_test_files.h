// GGUF bytes that tests make by hand, right or wrong.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/formats/file_tensor.h"
#include "engine/tensor/dtype.h"
#include "engine/tensor/matrix.h"

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

/// How matrices of a converted model are stored; everything else stays as it was.
enum class StoreAs : std::uint8_t {
  as_they_were,  // F32, F16 and BF16 have the same bytes in both formats
  f32,           // vectors and filters too
  q8_0,          // where rows are whole blocks
};

/// The same weights as a GGUF file, as the converters of published models write them. Tensors of
/// types that no network reads are left out. `file` may have keys already.
inline std::string gguf_of(std::span<const FileTensor> tensors, StoreAs store_as,
                           std::string (*rename)(std::string name) = nullptr, GgufBytes file = {}) {
  for (const FileTensor& tensor : tensors) {
    if (!tensor.is_readable() || tensor.type->dtype == DType::other) continue;
    const std::int64_t cols = tensor.shape.empty() ? 1 : tensor.shape.back();
    std::uint32_t type = tensor.dtype == DType::f32 ? 0 : tensor.dtype == DType::f16 ? 1 : 30;
    std::string bytes(reinterpret_cast<const char*>(tensor.bytes.data()), tensor.bytes.size());
    const bool in_blocks = store_as == StoreAs::q8_0 && tensor.shape.size() == 2 && cols % 32 == 0;
    if (in_blocks || store_as == StoreAs::f32) {
      Tensor numbers(1, tensor.elements());
      decode_rows(tensor.stored_rows(0, 1, tensor.elements()), numbers);
      const std::span<const float> values = std::as_const(numbers).values<float>();
      type = in_blocks ? 8 : 0;
      bytes = in_blocks
                  ? q8_0_bytes(values)
                  : std::string(reinterpret_cast<const char*>(values.data()), values.size_bytes());
    }
    file.tensor(rename == nullptr ? tensor.name : rename(tensor.name),
                {tensor.shape.rbegin(), tensor.shape.rend()}, type, bytes);
  }
  return file.bytes();
}

/// The first occurrence of each part replaced, one after the other.
inline std::string with_replaced(std::string name,
                                 std::span<const std::array<std::string_view, 2>> parts) {
  for (const auto& [from, to] : parts)
    if (const std::size_t at = name.find(from); at != std::string::npos)
      name.replace(at, from.size(), to);
  return name;
}

/// Qwen3's tensors as llama.cpp's converter calls them.
inline std::string llama_name(std::string name) {
  static constexpr std::array<std::array<std::string_view, 2>, 15> kParts = {{
      {"model.", ""},
      {"layers.", "blk."},
      {"embed_tokens", "token_embd"},
      {"lm_head", "output"},
      {"input_layernorm", "attn_norm"},
      {"post_attention_layernorm", "ffn_norm"},
      {"self_attn.q_proj", "attn_q"},
      {"self_attn.k_proj", "attn_k"},
      {"self_attn.v_proj", "attn_v"},
      {"self_attn.o_proj", "attn_output"},
      {"self_attn.q_norm", "attn_q_norm"},
      {"self_attn.k_norm", "attn_k_norm"},
      {"mlp.gate_proj", "ffn_gate"},
      {"mlp.up_proj", "ffn_up"},
      {"mlp.down_proj", "ffn_down"},
  }};
  if (name == "model.norm.weight") return "output_norm.weight";
  return with_replaced(std::move(name), kParts);
}

/// T5's tensors as llama.cpp's converter calls them.
inline std::string llama_t5_name(std::string name) {
  static constexpr std::array<std::array<std::string_view, 2>, 10> kParts = {{
      {"shared", "token_embd"},
      {"encoder.final_layer_norm", "enc.output_norm"},
      {"encoder.block.", "enc.blk."},
      {"layer.0.SelfAttention.relative_attention_bias", "attn_rel_b"},
      {"layer.0.SelfAttention.", "attn_"},
      {"layer.0.layer_norm", "attn_norm"},
      {"layer.1.layer_norm", "ffn_norm"},
      {"layer.1.DenseReluDense.wi_0", "ffn_gate"},
      {"layer.1.DenseReluDense.wi_1", "ffn_up"},
      {"layer.1.DenseReluDense.wo", "ffn_down"},
  }};
  return with_replaced(std::move(name), kParts);
}

}  // namespace imagined::engine
