#include "service/moderation/readings.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/crypto.h"
#include "base/utf8.h"
#include "service/moderation/letters.h"

namespace imagined::service {
namespace {

// A word that could be base64 of at least six letters.
constexpr std::size_t kBase64WordMin = 8;
constexpr std::size_t kBase64WordMax = 4096;

std::u32string letters_of(std::string_view text) {
  std::u32string letters;
  letters.reserve(text.size());
  while (!text.empty()) {
    const auto character = take_code_point(text);
    if (!character) {
      text.remove_prefix(1);
      continue;
    }
    append_letters(*character, letters);
  }
  return letters;
}

// Letters that belong together: [begin, end) of the text.
struct Word {
  std::size_t begin = 0;
  std::size_t end = 0;

  std::size_t size() const { return end - begin; }
};

std::vector<Word> words_of(std::u32string_view letters) {
  std::vector<Word> words;
  for (std::size_t i = 0; i < letters.size();) {
    if (!is_of_a_word(letters[i])) {
      ++i;
      continue;
    }
    Word word{i, i};
    while (word.end < letters.size() && is_of_a_word(letters[word.end])) ++word.end;
    i = word.end;
    words.push_back(word);
  }
  return words;
}

bool is_white(char32_t letter) {
  return letter == U' ' || (letter >= U'\t' && letter <= U'\r') || letter == 0x2028 ||
         letter == 0x2029;
}

bool are_joined(std::u32string_view letters, const Word& a, const Word& b) {
  const std::u32string_view between = letters.substr(a.end, b.begin - a.end);
  if (between.size() == 1 && !is_white(between.front())) return true;
  return a.size() == 1 && b.size() == 1 && between.size() <= 3;
}

LetterRuns read(std::u32string_view letters) {
  LetterRuns reading;
  const std::vector<Word> words = words_of(letters);
  for (std::size_t w = 0; w < words.size(); ++w) {
    const Word& word = words[w];
    const bool joined = w > 0 && are_joined(letters, words[w - 1], word);
    if (w > 0 && !joined) reading.push_back({});
    for (std::size_t i = word.begin; i < word.end; ++i) {
      const char32_t family = family_of(letters[i]);
      if (!reading.empty() && reading.back().family == family) {
        reading.back().letters += letters[i];
      } else {
        reading.push_back({.family = family, .letters = {letters[i]}});
      }
      reading.back().begins_word = reading.back().begins_word || i == word.begin;
      reading.back().ends_word = i + 1 == word.end;
    }
  }
  return reading;
}

// The same text in which the signs that may be letters are signs.
std::u32string with_signs(std::u32string letters) {
  std::ranges::replace_if(
      letters, [](char32_t c) { return is_stand_in(c) && (c < U'0' || c > U'9'); }, U'.');
  return letters;
}

LetterRuns backwards(LetterRuns reading) {
  std::reverse(reading.begin(), reading.end());
  for (LetterRun& run : reading) {
    std::swap(run.begins_word, run.ends_word);
    std::ranges::reverse(run.letters);
  }
  return reading;
}

// U+E0020 to U+E007E are a second, invisible ASCII.
std::string hidden_in_tags(std::string_view text) {
  std::string hidden;
  for (std::size_t at = text.find("\xF3\xA0"); at != std::string_view::npos;
       at = text.find("\xF3\xA0", at)) {
    std::string_view rest = text.substr(at);
    const auto character = take_code_point(rest);
    at = text.size() - rest.size() + (character ? 0 : 1);
    if (character && *character >= 0xE0020 && *character <= 0xE007E)
      hidden += static_cast<char>(*character - 0xE0000);
  }
  return hidden;
}

bool is_base64(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '+' ||
         c == '/' || c == '-' || c == '_';
}

std::string decoded(std::string_view word) {
  std::string standard(word);
  std::ranges::replace(standard, '-', '+');
  std::ranges::replace(standard, '_', '/');
  standard.append((4 - standard.size() % 4) % 4, '=');
  auto bytes = from_base64(standard);
  const bool plain =
      bytes && is_utf8(*bytes) && std::ranges::none_of(*bytes, [](char c) {
        return static_cast<unsigned char>(c) < 0x20 && c != '\t' && c != '\n' && c != '\r';
      });
  return plain ? std::move(*bytes) : std::string();
}

// What the words of a text are the base64 of, with spaces between.
std::string hidden_in_base64(std::string_view text) {
  std::string hidden;
  while (!text.empty()) {
    const auto begin = std::ranges::find_if(text, is_base64);
    const auto end = std::find_if_not(begin, text.end(), is_base64);
    const std::string_view word(begin, end);
    text = std::string_view(end, text.end());
    if (word.size() < kBase64WordMin || word.size() > kBase64WordMax) continue;
    const std::string plain = decoded(word);
    if (!plain.empty()) hidden += plain + ' ';
  }
  return hidden;
}

}  // namespace

LetterRuns read_letters(std::string_view text) { return read(letters_of(text)); }

Result<Readings> all_readings(std::string_view text) {
  Readings readings{.shown_backwards = text.find("\u202E") != std::string_view::npos};
  std::size_t left = kLettersMax;
  const std::string hidden = hidden_in_tags(text) + ' ' + hidden_in_base64(text);
  for (const std::string_view each : {text, std::string_view(hidden)}) {
    if (each == " ") continue;
    const std::u32string letters = letters_of(each);
    if (letters.size() > left)
      return fail(ErrorCode::invalid_argument,
                  fmt::format("prompt stands for more than {} letters", kLettersMax), "prompt");
    left -= letters.size();
    readings.forwards.push_back(read(letters));
    const std::u32string signs = with_signs(letters);
    if (signs != letters) readings.forwards.push_back(read(signs));
  }
  for (const LetterRuns& reading : readings.forwards)
    readings.backwards.push_back(backwards(reading));
  return readings;
}

}  // namespace imagined::service
