// What the name of a model's file says that no tensor shows.
#pragma once

#include <filesystem>
#include <string_view>

namespace imagined::engine {

/// Whether `word` (lower case) is one of the words of a name, in any case and between any
/// separators: "base" is in "FLUX.2-klein-Base-4B", "flux2_klein_base_4b" and "kleinBase4b", not in
/// "database".
bool has_word(std::string_view name, std::string_view word);

/// The same of a file's name without its ending; where that is one that every model has
/// (`model`, `diffusion_pytorch_model`), of the folder's that it lies in.
bool is_named(const std::filesystem::path& file, std::string_view word);

}  // namespace imagined::engine
