// Lists of words with something between, as people read and type them and as the database keeps
// them.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace imagined {

/// "a,b" to its words, as they are; none of an empty text.
inline std::vector<std::string> split_words(std::string_view text) {
  std::vector<std::string> words;
  bool more = !text.empty();
  while (more) {
    const auto comma = text.find(',');
    words.emplace_back(text.substr(0, comma));
    more = comma != std::string_view::npos;
    if (more) text.remove_prefix(comma + 1);
  }
  return words;
}

/// The reverse, with what stands between them: of any list of texts. (fmt::join would compile fmt's
/// writer of escaped strings once more in every file that calls it.)
inline std::string join_words(const auto& words, std::string_view between = ",") {
  std::string text;
  bool first = true;
  for (const std::string_view word : words) {
    if (!std::exchange(first, false)) text += between;
    text += word;
  }
  return text;
}

}  // namespace imagined
