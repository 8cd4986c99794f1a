// From the names that files use to the names that diffusers uses.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/formats/weight_source.h"

namespace imagined::engine {

/// What a tensor of a file is, as canonical weights: one name, or several when it is fused, each
/// taking an equal share of the rows in this order; none for a text encoder's lm_head, which no
/// network reads.
struct CanonicalNames {
  std::vector<std::string> names;
  bool swap_halves = false;  // the rows' halves stand in the other order than diffusers' file
  bool squeeze = false;      // [a, b, 1, 1] is [a, b]
  bool bfl = false;          // the name is one of the BFL layout
};

/// Finds the prefix under which the network's tensors stand; empty for none. `prefixes` lists all
/// names of all files.
std::string network_prefix(const std::vector<std::string_view>& names, Network network);

/// `name` comes without the prefix. `decoder_levels`: how many decoder.up.N the file has; BFL
/// counts them from the other end.
CanonicalNames canonical_names(std::string_view name, Network network, std::int64_t decoder_levels);

/// One more than the largest N in names of the form `prefix` N `.`...; 0 when there is none.
std::int64_t count_indices(const std::vector<std::string_view>& names, std::string_view prefix);

}  // namespace imagined::engine
