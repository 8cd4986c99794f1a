// Which of a folder's files hold its weights: shards joined by their index, variants, leftovers.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/result.h"

namespace imagined::engine {

/// Weights that are read together, and what had to be decided.
struct WeightsPlace {
  std::filesystem::path path;  // a file, or an index
  bool standard = false;       // under the name that diffusers or transformers gives it
  std::string note;            // empty: there was nothing to decide
};

/// All weights directly in a folder, those under a standard name first: the plain ones before a
/// variant (fp16, bf16). Of a whole file and an index with all its shards, diffusers reads the
/// index, and so do we; transformers would read the file, which is the older one as often as not,
/// so there the user is asked. Then every other index, and every file that belongs to none.
///
/// Errors: `not_found` when there is nothing, naming a pickle that lies there; `invalid_argument`
/// when the user must choose.
Result<std::vector<WeightsPlace>> weights_in(const std::filesystem::path& folder);

/// The file names of an index's shards, in the order of the names; empty where it cannot be read.
std::vector<std::string> shard_names(const std::filesystem::path& index);

}  // namespace imagined::engine
