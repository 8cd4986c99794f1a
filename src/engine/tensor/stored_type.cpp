#include "engine/tensor/stored_type.h"

#include <algorithm>
#include <array>

#include "base/check.h"
#include "engine/tensor/decode_cpu.h"

namespace imagined::engine {
namespace {

/// A new type is a row here and its decoder, at the same place, in decode_cpu.cpp.
constexpr std::array kTypes = {
    StoredType{"F32", 1, 4, 0, true, DType::f32},
    StoredType{"F16", 1, 2, 1, true, DType::f16},
    StoredType{"BF16", 1, 2, 30, true, DType::bf16},
    StoredType{"F8_E4M3", 1, 1, kNoGgmlType},
    StoredType{"F8_E5M2", 1, 1, kNoGgmlType},
    StoredType{"F8_E8M0", 1, 1, kNoGgmlType},
    StoredType{"I8", 1, 1, kNoGgmlType, false},
    StoredType{"U8", 1, 1, kNoGgmlType, false},
    StoredType{"F4", 2, 1, kNoGgmlType, false},
    StoredType{"NF4", 2, 1, kNoGgmlType, false},
    StoredType{"Q4_0", 32, 18, 2},
    StoredType{"Q4_1", 32, 20, 3},
    StoredType{"Q5_0", 32, 22, 6},
    StoredType{"Q5_1", 32, 24, 7},
    StoredType{"Q8_0", 32, 34, 8},
    StoredType{"Q2_K", 256, 84, 10},
    StoredType{"Q3_K", 256, 110, 11},
    StoredType{"Q4_K", 256, 144, 12},
    StoredType{"Q5_K", 256, 176, 13},
    StoredType{"Q6_K", 256, 210, 14},
    StoredType{"IQ4_NL", 32, 18, 20},
    StoredType{"IQ4_XS", 256, 136, 23},
    StoredType{"MXFP4", 32, 17, 39},
    StoredType{"NVFP4", 64, 36, 40},
};

}  // namespace

std::span<const StoredType> stored_types() { return kTypes; }

const StoredType* find_stored_type(std::string_view name) {
  const auto* found = std::ranges::find(kTypes, name, &StoredType::name);
  return found == kTypes.end() ? nullptr : found;
}

const StoredType* find_ggml_type(std::uint32_t ggml_type) {
  if (ggml_type == kNoGgmlType) return nullptr;
  const auto* found = std::ranges::find(kTypes, ggml_type, &StoredType::ggml_type);
  return found == kTypes.end() ? nullptr : found;
}

void decode_blocks(const StoredType& type, std::span<const std::byte> bytes, float* out) {
  const auto block_bytes = static_cast<std::size_t>(type.size_bytes);
  CHECK(bytes.size() % block_bytes == 0, "{} bytes of {} blocks", bytes.size(), type.name);
  CHECK(&type >= kTypes.data() && &type < kTypes.data() + kTypes.size(),
        "a type of nobody's table");
  decode_blocks_cpu(static_cast<std::size_t>(&type - kTypes.data()),
                    reinterpret_cast<const std::uint8_t*>(bytes.data()),
                    static_cast<std::int64_t>(bytes.size() / block_bytes), out);
}

}  // namespace imagined::engine
