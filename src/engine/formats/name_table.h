// From the names that files use to the names that diffusers uses: what a network says about its
// own, and how its tensors are found among those of a file.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/formats/file_tensor.h"

namespace imagined::engine {

/// What a tensor of a file is, as canonical weights: one name, or several when it is fused, each
/// taking an equal share of the rows in this order; none for what no network reads.
struct CanonicalNames {
  std::vector<std::string> names;
  bool rest_last = false;    // shares as long as the layer's rows are wide, the last one the rest
  bool swap_halves = false;  // the rows' halves stand in the other order than diffusers' file
  bool matrix = false;       // [a, b, c, ...] is [a, b * c * ...]
  bool vector = false;       // [a, b, ...] is [a * b * ...]
  bool bfl = false;          // the name is one of the BFL layout
};

/// How files name the tensors of one network; every network brings one, and is known by it.
struct NameTable {
  /// "a FLUX.2 transformer": what messages call a file that holds it.
  std::string_view what;
  /// Modules that every file of this network has and none of another, one a layout. Whatever stands
  /// before one is the prefix under which the network lies.
  std::span<const std::string_view> anchors;
  /// Modules that stand beside an anchor in another network, never in this one.
  std::span<const std::string_view> never = {};
  /// Modules that names begin with, in all layouts.
  std::span<const std::string_view> roots;
  /// Modules that may lie beside the network and that nobody reads: heads, other towers.
  std::span<const std::string_view> beside;
  /// Parts of a prefix under which other weights of the same names lie: a part of a larger network
  /// that was trained on its own. Taken where there is nothing else.
  std::span<const std::string_view> relatives;
  /// The canonical names of `name`, which comes without the prefix. `decoder_levels`: how many
  /// decoder.up.N the file has; BFL counts them from the other end.
  CanonicalNames (*canonical)(std::string_view name, std::int64_t decoder_levels);
};

/// The tensors of one network among those of some files.
struct NetworkTensors {
  const NameTable* table = nullptr;
  std::string prefix;
  std::vector<const FileTensor*> tensors;
};

/// What some files hold.
struct Contents {
  std::vector<NetworkTensors> networks;  // in the order of the tables
  /// Tensors that belong to nothing that was found: what a trainer left there, other copies.
  std::vector<std::string> strays;

  const NetworkTensors* find(const NameTable& table) const;  // null when there is none
};

/// Sorts tensors by the network that they belong to. A network is there when a tensor stands under
/// one of its anchors; of several prefixes the one with the most of the network's tensors is its
/// own. A name that begins as one of a network's is that network's, known or not, so that whoever
/// loads it refuses what it does not know.
Contents sort_tensors(std::span<const FileTensor* const> tensors,
                      std::span<const NameTable* const> tables);

/// "double_blocks.12.rest" with prefix "double_blocks." is {12, "rest"}.
struct Indexed {
  std::int64_t index = 0;
  std::string_view rest;
};
std::optional<Indexed> indexed(std::string_view name, std::string_view prefix);

/// A name of one layout and the names that take its place in another.
struct NameRow {
  std::string_view from;
  std::vector<std::string_view> to;
};

/// The row of a name; null when there is none.
const NameRow* find_row(std::span<const NameRow> rows, std::string_view name);

/// One more than the largest N in names of the form `prefix` N `.`...; 0 when there is none.
std::int64_t count_indices(std::span<const std::string_view> names, std::string_view prefix);

/// {{name}}.
CanonicalNames unchanged(std::string_view name);

}  // namespace imagined::engine
