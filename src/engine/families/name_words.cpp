#include "engine/families/name_words.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <string>

#include "base/text.h"

namespace imagined::engine {
namespace {

enum class Kind { lower, upper, digit, other };

Kind kind_of(char c) {
  const auto byte = static_cast<unsigned char>(c);
  if (std::islower(byte) != 0) return Kind::lower;
  if (std::isupper(byte) != 0) return Kind::upper;
  return std::isdigit(byte) != 0 ? Kind::digit : Kind::other;
}

/// Whether a word ends between two characters: at a separator, between letters and digits, and
/// where a capital follows a small letter.
bool ends_between(char left, char right) {
  const Kind a = kind_of(left);
  const Kind b = kind_of(right);
  if (a == Kind::other || b == Kind::other) return true;
  if (a == Kind::upper && b == Kind::lower) return false;
  return a != b;
}

/// Names that say nothing of the model, with what shards add to them.
bool is_common_name(std::string_view stem) {
  constexpr std::array<std::string_view, 5> kCommon = {"model", "diffusion_pytorch_model",
                                                       "transformer", "diffusion_models", "unet"};
  return std::any_of(kCommon.begin(), kCommon.end(), [&](std::string_view common) {
    return stem == common ||
           (stem.starts_with(common) && (stem[common.size()] == '.' || stem[common.size()] == '-'));
  });
}

}  // namespace

bool has_word(std::string_view name, std::string_view word) {
  for (std::size_t at = 0; at + word.size() <= name.size(); ++at) {
    const std::size_t end = at + word.size();
    if (!equal_ignoring_case(name.substr(at, word.size()), word)) continue;
    const bool begins = at == 0 || ends_between(name[at - 1], name[at]);
    const bool ends = end == name.size() || ends_between(name[end - 1], name[end]);
    if (begins && ends) return true;
  }
  return false;
}

bool is_named(const std::filesystem::path& file, std::string_view word) {
  std::filesystem::path named = std::filesystem::absolute(file).lexically_normal();
  if (named.filename().empty()) named = named.parent_path();
  if (!is_common_name(named.stem().string())) return has_word(named.stem().string(), word);
  for (named = named.parent_path(); is_common_name(named.filename().string());)
    named = named.parent_path();
  return has_word(named.filename().string(), word);
}

}  // namespace imagined::engine
