#include "engine/families/sampling_config.h"

#include <fmt/core.h>

#include <algorithm>

#include "base/utf8.h"
#include "engine/formats/json.h"
#include "engine/tokenizers/unicode.h"

namespace imagined::engine {
namespace {

constexpr std::size_t kMaxCardBytes = 2000;
constexpr std::size_t kMaxWords = 100'000;
constexpr std::size_t kMaxWordBytes = 100;

bool is_apostrophe(char32_t c) { return c == U'\'' || c == U'\u2019'; }

/// "children's", "4k": letters, digits and the apostrophes between them, in lower case; and runs of
/// emoji, which mean something, too.
std::vector<std::string> words_of(std::string_view prompt) {
  const std::string text = lower_case(valid_utf8(prompt));
  std::vector<std::string> words;
  std::string word;
  bool of_symbols = false;
  const auto end_word = [&] {
    while (word.ends_with('\'')) word.pop_back();
    if (!word.empty()) words.push_back(std::move(word));
    word.clear();
    of_symbols = false;
  };
  for (std::string_view left = text; !left.empty();) {
    const CodePoint c = first_code_point(left);
    // Marks and joiners go with whatever they follow.
    const bool begins_other =
        of_symbols ? class_of(c.value) != CharClass::other : is_symbol(c.value);
    if (begins_other) end_word();
    if (is_apostrophe(c.value) && !word.empty() && !of_symbols) {
      word += '\'';
    } else if (is_symbol(c.value) || (is_word(c.value) && c.value != U'_')) {
      of_symbols = of_symbols || is_symbol(c.value);
      word += left.substr(0, c.size_bytes);
    } else {
      end_word();
    }
    left.remove_prefix(c.size_bytes);
  }
  end_word();
  return words;
}

ModelCard read_card(ConfigReader& reader) {
  ModelCard card;
  card.text = reader.string_or("card", "");
  if (card.text.size() > kMaxCardBytes)
    reader.refuse("card", fmt::format("{} bytes, {} allowed", card.text.size(), kMaxCardBytes));
  card.draws = reader.strings_or_none("draws", kMaxWords, kMaxWordBytes);
  card.vocabulary = reader.strings_or_none("vocabulary", kMaxWords, kMaxWordBytes);
  std::sort(card.vocabulary.begin(), card.vocabulary.end());
  return card;
}

}  // namespace

bool ModelCard::has_no_word(std::string_view prompt) const {
  return !vocabulary.empty() && words_of(prompt).empty();
}

std::vector<std::string> ModelCard::unknown_words(std::string_view prompt) const {
  std::vector<std::string> unknown;
  if (vocabulary.empty()) return unknown;
  const auto knows = [&](std::string_view word) {
    return std::binary_search(vocabulary.begin(), vocabulary.end(), word);
  };
  // "fox's", "don't": by what stands around the apostrophe, of which an s means nothing.
  const auto knows_parts = [&](std::string_view word) {
    for (auto end = word.find('\''); end != std::string_view::npos; end = word.find('\'')) {
      if (!knows(word.substr(0, end))) return false;
      word.remove_prefix(end + 1);
    }
    return word == "s" || knows(word);
  };
  for (const std::string& word : words_of(prompt)) {
    if (knows(word) || std::find(unknown.begin(), unknown.end(), word) != unknown.end()) continue;
    if (word.find('\'') != std::string::npos && knows_parts(word)) continue;
    unknown.push_back(word);
  }
  return unknown;
}

Result<> parse_sampling(std::string_view text, std::int64_t vae_pixels_per_token,
                        SamplingDefaults& sampling, ModelCard& card) {
  ConfigReader reader = TRY(ConfigReader::parse(text, "sampling.json"));
  sampling.steps = reader.integer_or("steps", sampling.steps, {1, 1000});
  sampling.guidance = reader.positive_or("guidance_scale", sampling.guidance);
  if (reader.has("shift")) sampling.shift = reader.positive_or("shift", 1);
  sampling.native_pixels = reader.integer_or("native_pixels", sampling.native_pixels, {0, 1 << 28});
  sampling.edge_passes =
      static_cast<int>(reader.integer_or("sharpen_edges", sampling.edge_passes, {0, 8}));
  if (reader.has("clip_frames")) {
    sampling.clips.frames = reader.integer_or("clip_frames", 0, {2, 256});
    sampling.clips.frames_per_second = reader.integer("clip_frames_per_second", {1, 60});
    sampling.clips.stride = reader.integer_or("clip_stride", 1, {1, 255});
    if ((sampling.clips.frames - 1) % sampling.clips.stride != 0)
      reader.refuse("clip_stride", fmt::format("{} does not divide the {} frames behind the first",
                                               sampling.clips.stride, sampling.clips.frames - 1));
  }
  const std::int64_t stated =
      reader.integer_or("pixels_per_token", vae_pixels_per_token, {1, 1 << 16});
  if (stated != vae_pixels_per_token)
    reader.refuse("pixels_per_token",
                  fmt::format("{} here, {} by vae/config.json", stated, vae_pixels_per_token));
  card = read_card(reader);
  return reader.finish();
}

Result<ModelCard> parse_card(std::string_view text) {
  ConfigReader reader = TRY(ConfigReader::parse(text, "sampling.json"));
  ModelCard card = read_card(reader);
  TRY(reader.finish());
  return card;
}

}  // namespace imagined::engine
