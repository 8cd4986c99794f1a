#pragma once

#include <cstddef>
#include <cstdint>

namespace imagined::engine {

/// decode_blocks for the type at place `type` of stored_types().
void decode_blocks_cpu(std::size_t type, const std::uint8_t* bytes, std::int64_t blocks,
                       float* out);

}  // namespace imagined::engine
