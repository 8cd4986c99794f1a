#include "engine/tokenizers/clip_tokenizer.h"

#include <gmock/gmock.h>

#include <ctime>
#include <fstream>
#include <nlohmann/json.hpp>

#include "engine/tokenizers/bpe.h"
#include "engine/tokenizers/pre_tokenizer.h"
#include "engine/tokenizers/unicode.h"

namespace imagined::engine {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
namespace fs = std::filesystem;
using Ids = std::vector<std::int32_t>;

const fs::path kGolden = fs::path(IMAGINED_SOURCE_DIR) / "tests" / "golden";

ClipTokenizer golden_tokenizer() {
  Result<ClipTokenizer> tokenizer = ClipTokenizer::load(kGolden / "small_clip");
  EXPECT_TRUE(tokenizer.has_value()) << (tokenizer ? "" : tokenizer.error().message);
  return std::move(*tokenizer);
}

constexpr std::int32_t kBegin = 600;
constexpr std::int32_t kEnd = 601;

/// All bytes (id = byte), all bytes at a word's end (256 + byte), then `merges` in order, and the
/// two marks.
json small_tokenizer(const std::vector<std::pair<std::string, std::string>>& merges) {
  json vocab = json::object();
  for (unsigned byte = 0; byte < 256; ++byte) {
    const std::string symbol(byte_symbol(static_cast<std::uint8_t>(byte)));
    vocab[symbol] = byte;
    vocab[symbol + "</w>"] = 256 + byte;
  }
  json rules = json::array();
  for (const auto& [left, right] : merges) {
    vocab[left + right] = vocab.size();
    rules.push_back({left, right});
  }
  return {{"model",
           {{"type", "BPE"}, {"vocab", vocab}, {"merges", rules}, {"end_of_word_suffix", "</w>"}}},
          {"added_tokens",
           {{{"id", kBegin}, {"content", "<|startoftext|>"}, {"normalized", true}},
            {{"id", kEnd}, {"content", "<|endoftext|>"}}}}};
}

Ids encode(const json& tokenizer, std::string_view text) {
  const Result<ClipTokenizer> parsed = ClipTokenizer::parse(tokenizer.dump());
  EXPECT_TRUE(parsed.has_value()) << (parsed ? "" : parsed.error().message);
  return parsed ? parsed->encode(text) : Ids();
}

TEST(ClipTokenizer, GivesTheRecordedIds) {
  const ClipTokenizer tokenizer = golden_tokenizer();
  std::ifstream in(kGolden / "small_tokenizer_cases.json");
  const json cases = json::parse(in)["clip"];
  ASSERT_EQ(cases.size(), 201u);
  for (const json& one : cases) {
    const auto text = one["text"].get<std::string>();
    EXPECT_EQ(tokenizer.encode_prompt(text, {.max_tokens = 1000, .pad = false}).ids,
              one["ids"].get<Ids>())
        << one["text"];
  }
}

TEST(ClipTokenizer, MarksTheLastByteOfEachWord) {
  const json tokenizer = small_tokenizer({{"a", "b</w>"}});
  EXPECT_THAT(encode(tokenizer, "ab a abc"), ElementsAre(512, 256 + 'a', 'a', 'b', 256 + 'c'));
}

TEST(ClipTokenizer, IgnoresCaseAndWhiteSpace) {
  const json tokenizer = small_tokenizer({});
  EXPECT_EQ(encode(tokenizer, " A\u3000\n b\t"), encode(tokenizer, "a b"));
  EXPECT_EQ(encode(tokenizer, "\u00c9"), encode(tokenizer, "e\u0301"));
}

TEST(ClipTokenizer, KnowsTheMarksByTheirFlags) {
  const json tokenizer = small_tokenizer({});
  EXPECT_THAT(encode(tokenizer, "<|STARTOFTEXT|><|endoftext|>"), ElementsAre(kBegin, kEnd));
  EXPECT_THAT(encode(tokenizer, "<|ENDOFTEXT|>!"),
              ElementsAre('<', 256 + '|', 'e', 'n', 'd', 'o', 'f', 't', 'e', 'x', 256 + 't', '|',
                          256 + '>', 256 + '!'));
}

TEST(ClipTokenizer, PutsTheUnknownTokenForMissingBytes) {
  json tokenizer = small_tokenizer({});
  tokenizer["model"]["vocab"].erase("x");
  tokenizer["model"]["vocab"].erase("x</w>");
  EXPECT_THAT(encode(tokenizer, "xxa"), ElementsAre(kEnd, kEnd, 256 + 'a'));
}

TEST(ClipTokenizer, FramesAndFillsAPrompt) {
  const ClipTokenizer tokenizer = *ClipTokenizer::parse(small_tokenizer({}).dump());
  const PromptEncoding prompt = tokenizer.encode_prompt("a", {.max_tokens = 5});
  EXPECT_THAT(prompt.ids, ElementsAre(kBegin, 256 + 'a', kEnd, kEnd, kEnd));
  EXPECT_EQ(prompt.real_count, 3);
  EXPECT_EQ(tokenizer.encode_prompt("a").ids.size(), 77u);
}

TEST(ClipTokenizer, CutsALongPromptButKeepsItsEnd) {
  const ClipTokenizer tokenizer = *ClipTokenizer::parse(small_tokenizer({}).dump());
  const PromptEncoding prompt = tokenizer.encode_prompt("a b c d", {.max_tokens = 4});
  EXPECT_THAT(prompt.ids, ElementsAre(kBegin, 256 + 'a', 256 + 'b', kEnd));
  EXPECT_EQ(prompt.real_count, 4);
}

TEST(ClipTokenizer, TakesItsSpecialTokensFromTheConfiguration) {
  const ClipTokenizer tokenizer = *ClipTokenizer::parse(
      small_tokenizer({}).dump(), R"({"pad_token": "!", "eos_token": {"content": "</w"},
      "added_tokens_decoder": {"700": {"content": "</w"}}})");
  EXPECT_EQ(tokenizer.encode_prompt("").ids.back(), '!');
  EXPECT_EQ(tokenizer.eos_id(), 700);
  EXPECT_EQ(tokenizer.bos_id(), kBegin);
  EXPECT_EQ(tokenizer.vocab_size(), 701);
}

TEST(ClipTokenizer, NamesTheKeyOfEveryMistake) {
  const json good = small_tokenizer({});
  const auto message = [&](const char* path, const json& value) {
    json changed = good;
    changed[json::json_pointer(path)] = value;
    const Result<ClipTokenizer> parsed = ClipTokenizer::parse(changed.dump());
    return parsed ? std::string("no error") : parsed.error().message;
  };
  EXPECT_THAT(message("/model/end_of_word_suffix", ""), HasSubstr("end_of_word_suffix"));
  EXPECT_THAT(message("/model/type", "Unigram"), HasSubstr("\"model.type\""));
  EXPECT_THAT(message("/normalizer", {{"type", "NFC"}}), HasSubstr("\"normalizer\""));
  EXPECT_THAT(message("/pre_tokenizer", {{"type", "Whitespace"}}), HasSubstr("\"pre_tokenizer\""));
  EXPECT_THAT(message("/added_tokens", json::array()), HasSubstr("\"bos_token\""));
  EXPECT_THAT(message("/post_processor",
                      {{"type", "RobertaProcessing"}, {"cls", {"a", 1}}, {"sep", {"b", kEnd}}}),
              HasSubstr("\"post_processor\": expected token 600 before"));
  EXPECT_THAT(message("/post_processor", {{"type", "RobertaProcessing"}, {"cls", 1}}),
              HasSubstr("\"post_processor.cls\""));
  EXPECT_EQ(message("/post_processor", {{"type", "RobertaProcessing"},
                                        {"cls", {"<|startoftext|>", kBegin}},
                                        {"sep", {"<|endoftext|>", kEnd}}}),
            "no error");
}

TEST(ClipTokenizer, NeedsMillisecondsForLongTexts) {
  const ClipTokenizer tokenizer = golden_tokenizer();
  std::string half_tokens;
  for (int i = 0; i < 20'000; ++i) half_tokens += "<|end";
  for (const std::string& text : {std::string(100'000, 'a'), std::string(100'000, '\''),
                                  std::string(100'000, ' ') + "x", half_tokens}) {
    const std::clock_t begin = std::clock();  // the processor's time: other work may be going on
    EXPECT_FALSE(tokenizer.encode(text).empty());
    const double seconds = static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC;
    EXPECT_LT(seconds, 5.0) << text.substr(0, 10);  // measured: below 0.1 s each
  }
}

TEST(ClipPreTokenizer, CutsAsThePatternDoes) {
  const auto words = [](std::string_view text) { return split_clip_words(text); };
  EXPECT_THAT(words("it's  they'll"), ElementsAre("it", "'s", "they", "'ll"));
  EXPECT_THAT(words("'x ''s"), ElementsAre("'", "x", "''", "s"));
  EXPECT_THAT(words("12\u00bd"), ElementsAre("1", "2", "\u00bd"));
  EXPECT_THAT(words("a!?b\u0301"), ElementsAre("a", "!?", "b", "\u0301"));
  EXPECT_THAT(words("<|endoftext|>!"), ElementsAre("<|", "endoftext", "|>", "!"));
  EXPECT_THAT(words("!<|endoftext|>!"), ElementsAre("!<|", "endoftext", "|>!"));
  EXPECT_TRUE(words(" \n\u3000").empty());
}

TEST(Unicode, LowersEachCharacterByItself) {
  EXPECT_EQ(lower_case("AbC \u00c9\u0416"), "abc \u00e9\u0436");
  EXPECT_EQ(lower_case("\u03a3\u0391\u03a3"), "\u03c3\u03b1\u03c3");  // no final sigma
  EXPECT_EQ(lower_case("\u0130"), "i\u0307");
  EXPECT_EQ(lower_case("\u1e9e\u01c5"), "\u00df\u01c6");
}

}  // namespace
}  // namespace imagined::engine
