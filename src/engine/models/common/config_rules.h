// What the configurations of several networks have in common.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "engine/formats/json.h"

namespace imagined::engine {

// Limits far above any published model; products of two of them fit easily into 64 bits.
inline constexpr ConfigReader::Limits kSizes{1, 1 << 20};
inline constexpr ConfigReader::Limits kVocabulary{1, 1 << 24};
inline constexpr ConfigReader::Limits kLayers{1, 1000};
inline constexpr ConfigReader::Limits kHeads{1, 4096};
inline constexpr ConfigReader::Limits kHeadDim{2, 4096};
inline constexpr ConfigReader::Limits kPromptTokens{2, 1 << 20};  // at least beginning and end

/// `_class_name` must be the class that this parser reads, where it is given.
void check_class(ConfigReader& reader, std::string_view expected);

/// axes_dims_rope: `count` even numbers with the sum `head_dim`.
void check_rope_axes(ConfigReader& reader, std::span<const std::int64_t> axes, std::size_t count,
                     std::int64_t head_dim);

}  // namespace imagined::engine
