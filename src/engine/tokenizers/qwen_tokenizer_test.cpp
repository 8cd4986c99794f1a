#include "engine/tokenizers/qwen_tokenizer.h"

#include <gmock/gmock.h>

#include <array>
#include <ctime>
#include <fstream>
#include <nlohmann/json.hpp>

#include "base/folder_testing.h"
#include "engine/tokenizers/bpe.h"
#include "engine/tokenizers/pre_tokenizer.h"
#include "engine/tokenizers/unicode.h"

namespace imagined::engine {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::ElementsAreArray;
using ::testing::HasSubstr;
namespace fs = std::filesystem;

const fs::path kGolden = fs::path(IMAGINED_SOURCE_DIR) / "tests" / "golden";

json read_json(const fs::path& path) {
  std::ifstream in(path);
  return json::parse(in);
}

QwenTokenizer golden_tokenizer(const char* model) {
  Result<QwenTokenizer> tokenizer = QwenTokenizer::load(kGolden / model / "tokenizer");
  EXPECT_TRUE(tokenizer.has_value()) << (tokenizer ? "" : tokenizer.error().message);
  return std::move(*tokenizer);
}

/// A vocabulary of all bytes (id = byte), then `merges` in order, then the added tokens.
json small_tokenizer(const std::vector<std::pair<std::string, std::string>>& merges) {
  json vocab = json::object();
  for (unsigned byte = 0; byte < 256; ++byte)
    vocab[std::string(byte_symbol(static_cast<std::uint8_t>(byte)))] = byte;
  json rules = json::array();
  for (const auto& [left, right] : merges) {
    if (!vocab.contains(left + right)) vocab[left + right] = vocab.size();
    rules.push_back({left, right});
  }
  return {{"model", {{"type", "BPE"}, {"vocab", vocab}, {"merges", rules}}},
          {"added_tokens", {{{"id", 1000}, {"content", "<|endoftext|>"}}}}};
}

std::vector<std::int32_t> encode(const json& tokenizer, std::string_view text) {
  const Result<QwenTokenizer> parsed = QwenTokenizer::parse(tokenizer.dump());
  EXPECT_TRUE(parsed.has_value()) << (parsed ? "" : parsed.error().message);
  return parsed ? parsed->encode(text) : std::vector<std::int32_t>();
}

std::int32_t padding_of(const QwenTokenizer& tokenizer) {
  return tokenizer.encode_prompt("", {.max_tokens = 512}).ids.back();
}

TEST(Tokenizer, GivesTheRecordedIdsOfSixtyTexts) {
  const QwenTokenizer tokenizer = golden_tokenizer("a1");
  const json cases = read_json(kGolden / "tokenizer_cases.json");
  EXPECT_EQ(padding_of(tokenizer), cases["pad_id"].get<std::int32_t>());
  ASSERT_EQ(cases["cases"].size(), 60u);
  for (const json& one : cases["cases"]) {
    const auto text = one["text"].get<std::string>();
    EXPECT_EQ(tokenizer.encode_prompt(text), one["ids"].get<std::vector<std::int32_t>>()) << text;
    if (one.contains("text_ids")) {
      EXPECT_EQ(tokenizer.encode(text), one["text_ids"].get<std::vector<std::int32_t>>()) << text;
    }
  }
}

TEST(Tokenizer, CutsALongPromptAtItsEnd) {
  const QwenTokenizer tokenizer = golden_tokenizer("a2");
  const PromptEncoding all =
      tokenizer.encode_prompt("a red ball", {.max_tokens = 512, .pad = false});
  const PromptEncoding cut = tokenizer.encode_prompt("a red ball", {.max_tokens = 5, .pad = true});
  EXPECT_EQ(cut.real_count, 5);
  EXPECT_THAT(cut.ids, ElementsAreArray(all.ids.begin(), all.ids.begin() + 5));
}

TEST(Tokenizer, FillsAShortPromptOnTheRight) {
  const QwenTokenizer tokenizer = golden_tokenizer("a2");
  const PromptEncoding all = tokenizer.encode_prompt("", {.max_tokens = 512, .pad = false});
  const PromptEncoding filled = tokenizer.encode_prompt("", {.max_tokens = 40, .pad = true});
  ASSERT_EQ(filled.ids.size(), 40u);
  EXPECT_EQ(filled.real_count, static_cast<std::int64_t>(all.ids.size()));
  EXPECT_EQ(filled.ids[all.ids.size() - 1], all.ids.back());
  for (std::size_t i = all.ids.size(); i < 40; ++i) EXPECT_EQ(filled.ids[i], 406);  // <|endoftext|>
}

TEST(Tokenizer, MergesTheLowestRankFirst) {
  // "bc" outranks "ab", so "abc" is a + bc.
  const json tokenizer = small_tokenizer({{"b", "c"}, {"a", "b"}});
  EXPECT_THAT(encode(tokenizer, "abc"), ElementsAre('a', 256));
  EXPECT_THAT(encode(tokenizer, "ab"), ElementsAre(257));
}

TEST(Tokenizer, MergesTheLeftmostOfEqualPairsFirst) {
  EXPECT_THAT(encode(small_tokenizer({{"a", "a"}}), "aaa"), ElementsAre(256, 'a'));
}

TEST(Tokenizer, MergesWhatEarlierMergesMade) {
  const json tokenizer = small_tokenizer({{"a", "b"}, {"ab", "ab"}, {"abab", "c"}});
  EXPECT_THAT(encode(tokenizer, "ababcab"), ElementsAre(258, 256));
}

TEST(Tokenizer, ReadsBothSpellingsOfMerges) {
  json tokenizer = small_tokenizer({{"a", "b"}});
  tokenizer["model"]["merges"] = {"a b"};
  EXPECT_THAT(encode(tokenizer, "ab"), ElementsAre(256));
}

TEST(Tokenizer, ReplacesBytesThatAreNoText) {
  const json tokenizer = small_tokenizer({});
  const std::vector<std::int32_t> replacement = {0xef, 0xbf, 0xbd};
  EXPECT_EQ(encode(tokenizer, "\xff"), replacement);
  EXPECT_EQ(encode(tokenizer, "\xe2\x82"), replacement);         // a cut sequence is one
  EXPECT_EQ(encode(tokenizer, "\xed\xa0\x80").size(), 3u * 3u);  // a half surrogate is three
  EXPECT_EQ(encode(tokenizer, std::string_view("\0", 1)), std::vector<std::int32_t>{0});
}

TEST(Tokenizer, TakesTheLongestAddedToken) {
  json tokenizer = small_tokenizer({});
  tokenizer["added_tokens"].push_back({{"id", 1001}, {"content", "<|a|>"}});
  tokenizer["added_tokens"].push_back({{"id", 1002}, {"content", "<|a|>b"}});
  EXPECT_THAT(encode(tokenizer, "x<|a|>b<|a|>c<|a"),
              ElementsAre('x', 1002, 1001, 'c', '<', '|', 'a'));
}

TEST(Tokenizer, HonoursTheFlagsOfAddedTokens) {
  json tokenizer = small_tokenizer({});
  tokenizer["added_tokens"].push_back({{"id", 1001}, {"content", "LEFT"}, {"lstrip", true}});
  tokenizer["added_tokens"].push_back({{"id", 1002}, {"content", "RIGHT"}, {"rstrip", true}});
  tokenizer["added_tokens"].push_back({{"id", 1003}, {"content", "WORD"}, {"single_word", true}});
  EXPECT_THAT(encode(tokenizer, "a \tLEFT b"), ElementsAre('a', 1001, ' ', 'b'));
  EXPECT_THAT(encode(tokenizer, "a RIGHT \nb"), ElementsAre('a', ' ', 1002, 'b'));
  EXPECT_THAT(encode(tokenizer, "RIGHT  LEFT"), ElementsAre(1002, 1001));
  EXPECT_THAT(encode(tokenizer, "(WORD)"), ElementsAre('(', 1003, ')'));
  EXPECT_THAT(encode(tokenizer, "WORDS"), ElementsAre('W', 'O', 'R', 'D', 'S'));
}

TEST(Tokenizer, LooksForNormalisedTokensAfterNfc) {
  json tokenizer = small_tokenizer({});
  tokenizer["added_tokens"].push_back(
      {{"id", 1001}, {"content", "\xc3\xa9"}, {"normalized", true}});
  EXPECT_THAT(encode(tokenizer, "e\xcc\x81"), ElementsAre(1001));
}

TEST(Tokenizer, ReadsASequenceOfPostProcessors) {
  json tokenizer = small_tokenizer({});
  tokenizer["post_processor"] = {{"type", "Sequence"}, {"processors", {{{"type", "ByteLevel"}}}}};
  EXPECT_THAT(encode(tokenizer, "ab"), ElementsAre('a', 'b'));
  tokenizer["post_processor"]["processors"].push_back(
      {{"type", "RobertaProcessing"}, {"cls", {"a", 97}}, {"sep", {"b", 98}}});
  EXPECT_THAT(QwenTokenizer::parse(tokenizer.dump()).error().message,
              HasSubstr("\"post_processor\": adding tokens to every text"));
}

class TokenizerFolder : public ::testing::Test {
 protected:
  TokenizerFolder() {
    write("vocab.json", small_tokenizer({{"a", "b"}})["model"]["vocab"]);
    folder_.write("merges.txt", "#version: 0.2\na b\n");
  }
  void write(const char* file, const json& value) const { folder_.write(file, value.dump()); }
  const TestFolder folder_;
  const fs::path& path_ = folder_.path();
};

TEST_F(TokenizerFolder, ReadsVocabularyAndMergesOfTheOlderPairOfFiles) {
  write("tokenizer_config.json", {{"pad_token", "<pad>"},
                                  {"added_tokens_decoder",
                                   {{"300", {{"content", "<pad>"}}},
                                    {"301", {{"content", "<|im_start|>"}}},
                                    {"302", {{"content", "<|im_end|>"}}}}}});
  const Result<QwenTokenizer> tokenizer = QwenTokenizer::load(path_);
  ASSERT_TRUE(tokenizer.has_value()) << tokenizer.error().message;
  EXPECT_THAT(tokenizer->encode("ab<pad>"), ElementsAre(256, 300));
  EXPECT_EQ(padding_of(*tokenizer), 300);
  EXPECT_EQ(tokenizer->vocab_size(), 303);
}

TEST_F(TokenizerFolder, ReadsAddedTokensWhereOlderToolsKeepThem) {
  write("added_tokens.json", {{"<|im_start|>", 301}, {"<|im_end|>", 302}, {"<|endoftext|>", 300}});
  const Result<QwenTokenizer> tokenizer = QwenTokenizer::load(path_);
  ASSERT_TRUE(tokenizer.has_value()) << tokenizer.error().message;
  EXPECT_THAT(tokenizer->encode("ab<|im_end|>"), ElementsAre(256, 302));
  EXPECT_EQ(padding_of(*tokenizer), 300);
  write("added_tokens.json", {{"<|im_start|>", "301"}});
  EXPECT_THAT(QwenTokenizer::load(path_).error().message,
              HasSubstr("added_tokens.json: \"<|im_start|>\": the id is no whole number"));
}

TEST_F(TokenizerFolder, RefusesATokenizerWithoutTheMarksOfItsTemplate) {
  write("added_tokens.json", {{"<|im_start|>", 301}, {"<|endoftext|>", 300}});
  EXPECT_EQ(QwenTokenizer::load(path_).error().message,
            "the tokenizer has no token <|im_end|>, which the chat template writes");
  write("chat_template.json", {{"chat_template", "<|im_start|>{{ messages[0].content }}<|"}});
  EXPECT_TRUE(QwenTokenizer::load(path_).has_value());
}

TEST(Tokenizer, NamesTheKeyOfEveryMistake) {
  const json good = small_tokenizer({{"a", "b"}});
  const auto message = [&](const char* path, const json& value) {
    json changed = good;
    changed[json::json_pointer(path)] = value;
    const Result<QwenTokenizer> parsed = QwenTokenizer::parse(changed.dump());
    return parsed ? std::string("no error") : parsed.error().message;
  };
  EXPECT_THAT(message("/model", 1), HasSubstr("\"model\""));
  EXPECT_THAT(message("/model/type", "Unigram"), HasSubstr("\"model.type\""));
  EXPECT_THAT(message("/model/vocab", json::array()), HasSubstr("\"model.vocab\""));
  EXPECT_THAT(message("/model/vocab/a", "1"), HasSubstr("the id of \"a\""));
  EXPECT_THAT(message("/model/vocab/a", -1), HasSubstr("the id of \"a\""));
  EXPECT_THAT(message("/model/vocab/a", 1u << 31), HasSubstr("the id of \"a\""));
  EXPECT_THAT(message("/model/merges", "a b"), HasSubstr("\"model.merges\""));
  EXPECT_THAT(message("/model/merges/0", "ab"), HasSubstr("rule 0 is not two tokens"));
  EXPECT_THAT(message("/model/merges/0", "a b c"), HasSubstr("rule 0 is not two tokens"));
  EXPECT_THAT(message("/model/merges/0", {"a", "xyz"}), HasSubstr("\"xyz\" is not in the"));
  EXPECT_THAT(message("/model/merges/0", {"b", "a"}), HasSubstr("\"ba\" is not in the"));
  EXPECT_THAT(message("/model/byte_fallback", true), HasSubstr("\"model.byte_fallback\""));
  EXPECT_THAT(message("/model/end_of_word_suffix", "</w>"), HasSubstr("end_of_word_suffix"));
  EXPECT_THAT(message("/normalizer", {{"type", "NFKC"}}), HasSubstr("\"normalizer\""));
  EXPECT_THAT(message("/pre_tokenizer", {{"type", "Whitespace"}}), HasSubstr("\"pre_tokenizer\""));
  EXPECT_THAT(message("/added_tokens", 1), HasSubstr("\"added_tokens\""));
  EXPECT_THAT(message("/added_tokens/0/content", 1), HasSubstr("\"added_tokens[0]\""));
  EXPECT_THAT(message("/added_tokens/0/id", json()), HasSubstr("\"added_tokens[0]\""));
  EXPECT_THAT(message("/added_tokens", json::array()), HasSubstr("\"pad_token\""));
}

TEST(Tokenizer, PutsAroundAPromptWhatItsTemplateWrites) {
  const std::string good = small_tokenizer({}).dump();
  const json config = {{"chat_template", "{% for m in messages %}[{{ m.content }}]{% endfor %}"}};
  const Result<QwenTokenizer> tokenizer = QwenTokenizer::parse(good, config.dump());
  ASSERT_TRUE(tokenizer.has_value()) << tokenizer.error().message;
  EXPECT_THAT(tokenizer->encode_prompt("ab"), ElementsAre('[', 'a', 'b', ']'));
}

TEST(Tokenizer, RefusesAnySideButTheRightOneWhereverItStands) {
  const auto message = [&](const json& tokenizer, const json& config) {
    const Result<QwenTokenizer> parsed = QwenTokenizer::parse(tokenizer.dump(), config.dump());
    return parsed ? std::string("no error") : parsed.error().message;
  };
  const json plain = small_tokenizer({});
  json left = plain;
  left["padding"] = {{"strategy", "BatchLongest"}, {"direction", "Left"}};
  json right = plain;
  right["padding"] = {{"direction", "Right"}};
  json cut_left = plain;
  cut_left["truncation"] = {{"direction", "Left"}, {"max_length", 512}};
  const json none = json::object();
  EXPECT_EQ(message(plain, {{"padding_side", "right"}}), "no error");
  EXPECT_EQ(message(right, none), "no error");
  EXPECT_THAT(message(plain, {{"padding_side", "left"}}),
              HasSubstr("tokenizer_config.json: \"padding_side\": \"left\""));
  EXPECT_THAT(message(left, none), HasSubstr("tokenizer.json: \"padding.direction\": \"Left\""));
  EXPECT_THAT(message(cut_left, none), HasSubstr("\"truncation.direction\": \"Left\""));
  EXPECT_THAT(message(plain, {{"truncation_side", "left"}}), HasSubstr("\"truncation_side\""));
  EXPECT_THAT(message(plain, {{"padding_side", 1}}), HasSubstr("expected a string"));
  // The configuration wins, as in transformers.
  EXPECT_EQ(message(left, {{"padding_side", "right"}}), "no error");
}

TEST(Tokenizer, TakesThePaddingTokenOfTokenizerJsonWhereTheConfigurationNamesNone) {
  json tokenizer = small_tokenizer({});
  tokenizer["added_tokens"].push_back({{"id", 1001}, {"content", "<pad>"}});
  tokenizer["padding"] = {{"direction", "Right"}, {"pad_id", 1001}, {"pad_token", "<pad>"}};
  EXPECT_EQ(padding_of(QwenTokenizer::parse(tokenizer.dump()).value()), 1001);
  const json config = {{"pad_token", "<|endoftext|>"}};
  EXPECT_EQ(padding_of(QwenTokenizer::parse(tokenizer.dump(), config.dump()).value()), 1000);
}

TEST(Tokenizer, RefusesTextsThatAreNoJson) {
  const std::string deep = std::string(100'000, '[');
  for (const std::string_view text : {std::string_view(), std::string_view("{"),
                                      std::string_view("\x80\x02"), std::string_view(deep)}) {
    const Result<QwenTokenizer> parsed = QwenTokenizer::parse(text);
    ASSERT_FALSE(parsed.has_value());
    EXPECT_EQ(parsed.error().code, ErrorCode::data_loss) << parsed.error().message;
  }
}

TEST(Tokenizer, TellsAMissingFileFromAFolderThatIsNone) {
  EXPECT_EQ(QwenTokenizer::load(kGolden / "nowhere").error().code, ErrorCode::not_found);
}

TEST(Tokenizer, NeedsMillisecondsForLongTexts) {
  // Quadratic steps anywhere would take seconds here: one word, one run of marks in the wrong
  // order, one run of blanks, one of newlines, tokens that never end.
  std::string marks;
  for (int i = 0; i < 25'000; ++i) marks += "\xcc\x81\xcc\xa3";
  std::string merges_all_the_way;
  for (int i = 0; i < 50'000; ++i) merges_all_the_way += "the";
  std::string half_tokens;
  for (int i = 0; i < 25'000; ++i) half_tokens += "<|im";
  const QwenTokenizer tokenizer = golden_tokenizer("a1");
  for (const std::string& text :
       {std::string(100'000, 'a'), marks, merges_all_the_way, std::string(100'000, ' '),
        std::string(100'000, '\n'), std::string(100'000, '\''), half_tokens}) {
    const std::clock_t begin = std::clock();  // the processor's time: other work may be going on
    EXPECT_FALSE(tokenizer.encode(text).empty());
    const double seconds = static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC;
    // Measured: below 0.1 s each; the quadratic ordering of marks alone took longer than this.
    EXPECT_LT(seconds, 5.0) << text.substr(0, 10);
  }
}

TEST(PreTokenizer, CutsAsThePatternDoes) {
  const auto words = [](std::string_view text) { return split_words(text); };
  EXPECT_THAT(words("It's  we'LL\u017f"), ElementsAre("It", "'s", " ", " we", "'LL", "\u017f"));
  EXPECT_THAT(words("x'\u017fy"), ElementsAre("x", "'\u017f", "y"));  // folds to s
  EXPECT_THAT(words("'re'Ve'mx"), ElementsAre("'re", "'Ve", "'m", "x"));
  EXPECT_THAT(words("1234.5"), ElementsAre("1", "2", "3", "4", ".", "5"));
  EXPECT_THAT(words(".word ?!\r\n\nx"), ElementsAre(".word", " ?!\r\n\n", "x"));
  EXPECT_THAT(words("a   b"), ElementsAre("a", "  ", " b"));
  EXPECT_THAT(words("a   "), ElementsAre("a", "   "));
  EXPECT_THAT(words("a \n \n b"), ElementsAre("a", " \n \n", " b"));
  EXPECT_THAT(words("\tx\t1"), ElementsAre("\tx", "\t", "1"));
  EXPECT_THAT(words("\u3000\u5199\u771f"), ElementsAre("\u3000\u5199\u771f"));
  EXPECT_TRUE(words("").empty());
}

TEST(Unicode, TellsLettersNumbersAndSpacesApart) {
  EXPECT_EQ(class_of(U'\u00e9'), CharClass::letter);
  EXPECT_EQ(class_of(U'\u02b0'), CharClass::letter);  // a modifier
  EXPECT_EQ(class_of(U'\u2167'), CharClass::number);  // a Roman numeral
  EXPECT_EQ(class_of(U'\u00bd'), CharClass::number);
  EXPECT_EQ(class_of(U'\u0085'), CharClass::space);
  EXPECT_EQ(class_of(U'\u00a0'), CharClass::space);
  EXPECT_EQ(class_of(U'\u200b'), CharClass::other);  // zero width, no White_Space
  EXPECT_EQ(class_of(U'\u0301'), CharClass::other);  // a mark
  EXPECT_EQ(class_of(U'\U0001f600'), CharClass::other);
}

TEST(Unicode, ComposesCanonically) {
  EXPECT_EQ(nfc("e\u0301"), "\u00e9");
  EXPECT_EQ(nfc("\u212b"), "\u00c5");
  EXPECT_EQ(nfc("\ufb01"), "\ufb01");              // only compatible, so it stays
  EXPECT_EQ(nfc("o\u0302\u0323"), "\u1ed9");       // marks are ordered first
  EXPECT_EQ(nfc("\u1112\u1161\u11ab"), "\ud55c");  // Hangul
  EXPECT_EQ(nfc("\u0344"), "\u0308\u0301");        // excluded from composition
}

}  // namespace
}  // namespace imagined::engine
