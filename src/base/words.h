// Lists of words with commas between, as people type them and as the database keeps them.
#pragma once

#include <string>
#include <string_view>
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

/// The reverse, for words without commas, with what stands between them.
inline std::string join_words(const std::vector<std::string>& words,
                              std::string_view between = ",") {
  std::string text;
  for (const std::string& word : words) {
    if (!text.empty()) text += between;
    text += word;
  }
  return text;
}

}  // namespace imagined
