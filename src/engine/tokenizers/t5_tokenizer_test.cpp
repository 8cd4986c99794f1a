#include "engine/tokenizers/t5_tokenizer.h"

#include <gmock/gmock.h>

#include <cmath>
#include <ctime>
#include <fstream>
#include <nlohmann/json.hpp>

#include "base/crypto.h"
#include "engine/tokenizers/charsmap.h"
#include "engine/tokenizers/unigram.h"

namespace imagined::engine {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
namespace fs = std::filesystem;
using Ids = std::vector<std::int32_t>;

const fs::path kGolden = fs::path(IMAGINED_SOURCE_DIR) / "tests" / "golden";

T5Tokenizer golden_tokenizer(const char* folder) {
  Result<T5Tokenizer> tokenizer = T5Tokenizer::load(kGolden / folder);
  EXPECT_TRUE(tokenizer.has_value()) << (tokenizer ? "" : tokenizer.error().message);
  return std::move(*tokenizer);
}

json golden_json() {
  std::ifstream in(kGolden / "small_t5" / "tokenizer.json");
  return json::parse(in);
}

/// Three special pieces, then `pieces`; a word mark before each word and no character map.
json small_tokenizer(const std::vector<std::pair<std::string, double>>& pieces) {
  json vocab = json::array();
  for (const char* special : {"<pad>", "</s>", "<unk>"}) vocab.push_back({special, 0.0});
  for (const auto& [text, score] : pieces) vocab.push_back({text, score});
  return {{"model", {{"type", "Unigram"}, {"unk_id", 2}, {"vocab", vocab}}},
          {"pre_tokenizer", {{"type", "Metaspace"}, {"replacement", "\u2581"}}},
          {"added_tokens", {{{"id", 1}, {"content", "</s>"}}}}};
}

Ids encode(const json& tokenizer, std::string_view text) {
  const Result<T5Tokenizer> parsed = T5Tokenizer::parse(tokenizer.dump());
  EXPECT_TRUE(parsed.has_value()) << (parsed ? "" : parsed.error().message);
  return parsed ? parsed->encode(text) : Ids();
}

class RecordedT5 : public testing::TestWithParam<const char*> {};

TEST_P(RecordedT5, GivesTheRecordedIds) {
  const T5Tokenizer tokenizer = golden_tokenizer(GetParam());
  std::ifstream in(kGolden / "small_tokenizer_cases.json");
  const json cases = json::parse(in)["t5"];
  ASSERT_EQ(cases.size(), 201u);
  for (const json& one : cases) {
    const auto text = one["text"].get<std::string>();
    const char* key = one.contains(GetParam()) ? GetParam() : "ids";
    EXPECT_EQ(tokenizer.encode(text), one[key].get<Ids>()) << one["text"];
  }
}

INSTANTIATE_TEST_SUITE_P(EachSpelling, RecordedT5,
                         testing::Values("small_t5", "small_t5_newer", "small_t5_spiece"),
                         [](const auto& param) { return std::string(param.param); });

TEST(T5Tokenizer, EndsAndFillsAPrompt) {
  const json tokenizer = small_tokenizer({{"\u2581", -2}, {"\u2581x", -3}});
  const T5Tokenizer parsed = *T5Tokenizer::parse(tokenizer.dump());
  const PromptEncoding prompt = parsed.encode_prompt("x x", {.max_tokens = 5});
  EXPECT_THAT(prompt.ids, ElementsAre(4, 4, 1, 0, 0));
  EXPECT_EQ(prompt.real_count, 3);
  EXPECT_THAT(parsed.encode_prompt("", {.max_tokens = 2}).ids, ElementsAre(1, 0));
}

TEST(T5Tokenizer, CutsALongPromptButKeepsItsEndToken) {
  const json tokenizer = small_tokenizer({{"\u2581x", -3}});
  const PromptEncoding prompt =
      T5Tokenizer::parse(tokenizer.dump())->encode_prompt("x x x x", {.max_tokens = 3});
  EXPECT_THAT(prompt.ids, ElementsAre(3, 3, 1));
  EXPECT_EQ(prompt.real_count, 3);
}

TEST(T5Tokenizer, ReadsBothSpellingsOfThePrefix) {
  json tokenizer = small_tokenizer({{"\u2581", -2}, {"x", -3}, {"\u2581x", -4}});
  const auto ids = [&](const char* key, const json& value, const char* text) {
    json changed = tokenizer;
    changed["pre_tokenizer"][key] = value;
    return encode(changed, text);
  };
  EXPECT_THAT(ids("add_prefix_space", true, "x x"), ElementsAre(5, 5));
  EXPECT_THAT(ids("add_prefix_space", false, "x x"), ElementsAre(4, 5));
  EXPECT_THAT(ids("prepend_scheme", "always", "x</s>x"), ElementsAre(5, 1, 5));
  EXPECT_THAT(ids("prepend_scheme", "first", "x</s>x"), ElementsAre(5, 1, 4));
  EXPECT_THAT(ids("prepend_scheme", "never", "x</s>x"), ElementsAre(4, 1, 4));
}

TEST(T5Tokenizer, ReplacesBytesThatAreNoText) {
  const json tokenizer = small_tokenizer({{"\u2581", -2}, {"\ufffd", -3}});
  EXPECT_THAT(encode(tokenizer, "\xff\xe2\x82"), ElementsAre(3, 4, 4));
}

TEST(T5Tokenizer, NamesTheKeyOfEveryMistake) {
  const json good = golden_json();
  const auto message = [&](const char* path, const json& value) {
    json changed = good;
    changed[json::json_pointer(path)] = value;
    const Result<T5Tokenizer> parsed = T5Tokenizer::parse(changed.dump());
    return parsed ? std::string("no error") : parsed.error().message;
  };
  EXPECT_THAT(message("/model", 1), HasSubstr("\"model\""));
  EXPECT_THAT(message("/model/type", "BPE"), HasSubstr("\"model.type\""));
  EXPECT_THAT(message("/model/byte_fallback", true), HasSubstr("\"model.byte_fallback\""));
  EXPECT_THAT(message("/model/vocab", json::object()), HasSubstr("\"model.vocab\""));
  EXPECT_THAT(message("/model/vocab/5", "a"), HasSubstr("piece 5 is not a text and a score"));
  EXPECT_THAT(message("/model/vocab/5/1", "a"), HasSubstr("piece 5 is not a text and a score"));
  EXPECT_THAT(message("/model/vocab/5/0", ""), HasSubstr("piece 5 is empty"));
  EXPECT_THAT(message("/model/vocab/5/0", "</s>"), HasSubstr("\"</s>\" is piece 1 too"));
  EXPECT_THAT(message("/model/vocab/5/0", std::string(513, 'a')), HasSubstr("piece 5 has 513"));
  EXPECT_THAT(message("/model/unk_id", json()), HasSubstr("\"model.unk_id\""));
  EXPECT_THAT(message("/model/unk_id", 1'000'000), HasSubstr("\"model.unk_id\""));
  EXPECT_THAT(message("/normalizer", {{"type", "NFKC"}}), HasSubstr("\"normalizer\""));
  EXPECT_THAT(message("/normalizer/normalizers/0/precompiled_charsmap", "AAA"),
              HasSubstr("\"normalizer.precompiled_charsmap\": not base64"));
  EXPECT_THAT(message("/normalizer/normalizers/0/precompiled_charsmap", "AAAA"),
              HasSubstr("\"normalizer.precompiled_charsmap\": the character map has 3 bytes"));
  EXPECT_THAT(message("/normalizer/normalizers/2/content", 1), HasSubstr("\"normalizer\""));
  EXPECT_THAT(message("/pre_tokenizer", json()), HasSubstr("\"pre_tokenizer\""));
  EXPECT_THAT(message("/pre_tokenizer/type", "ByteLevel"), HasSubstr("\"pre_tokenizer\""));
  EXPECT_THAT(message("/pre_tokenizer/prepend_scheme", "last"), HasSubstr("prepend_scheme"));
  EXPECT_THAT(message("/pre_tokenizer/replacement", "_"), HasSubstr("replacement"));
  EXPECT_THAT(message("/post_processor/special_tokens/<~1s>/ids", {3}),
              HasSubstr("\"post_processor\""));
  EXPECT_THAT(message("/post_processor/single", json::array()), HasSubstr("has no sequence"));
  EXPECT_THAT(message("/added_tokens/0/id", -1), HasSubstr("\"added_tokens[0]\""));
}

TEST(T5Tokenizer, NeedsItsSpecialTokens) {
  const std::string file = small_tokenizer({{"x", -1}}).dump();
  const Result<T5Tokenizer> parsed = T5Tokenizer::parse(file, R"({"eos_token": "</end>"})");
  ASSERT_FALSE(parsed.has_value());
  EXPECT_EQ(parsed.error().message,
            "tokenizer_config.json: \"eos_token\": the vocabulary has no \"</end>\"");
}

TEST(T5Tokenizer, RefusesBrokenSentencePieceFiles) {
  std::ifstream in(kGolden / "small_t5_spiece" / "spiece.model", std::ios::binary);
  const std::string good{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  const auto message = [](const std::string& bytes) {
    const Result<T5Tokenizer> parsed = T5Tokenizer::parse_spiece(bytes);
    return parsed ? std::string("no error") : parsed.error().message;
  };
  EXPECT_EQ(message(good), "no error");
  EXPECT_THAT(message(good.substr(0, good.size() / 2)), HasSubstr("spiece.model: field"));
  EXPECT_THAT(message(""), HasSubstr("spiece.model: has no pieces"));
  EXPECT_THAT(message("{}"), HasSubstr("spiece.model: not a SentencePiece model"));
  EXPECT_THAT(message("\n\x03\n\x01x"), HasSubstr("spiece.model: has no unknown piece"));
  EXPECT_THAT(message(good + "\x12\x02\x18\x02"), HasSubstr("model type 2 is not supported"));
  EXPECT_THAT(message(good + "\n\x03\n\x01x\n\x03\n\x01x"),
              HasSubstr("spiece.model: \"pieces\": piece"));
  EXPECT_THAT(message(good + "\n\x05\n\x01x\x18\x06"), HasSubstr("type 6 is not supported"));
}

TEST(T5Tokenizer, NamesTheFileThatAFolderLacks) {
  const Result<T5Tokenizer> loaded = T5Tokenizer::load(kGolden / "small_clip");
  ASSERT_FALSE(loaded.has_value());
  EXPECT_EQ(loaded.error().message, "tokenizer.json: no such file");
}

TEST(T5Tokenizer, NeedsMillisecondsForLongTexts) {
  // Quadratic steps anywhere would take seconds here: one word, one of unknown characters, marks,
  // blanks, tokens that never end.
  const T5Tokenizer tokenizer = golden_tokenizer("small_t5");
  std::string marks, unknown, half_tokens;
  for (int i = 0; i < 50'000; ++i) marks += "\u0301";
  for (int i = 0; i < 33'000; ++i) unknown += "\u5199";
  for (int i = 0; i < 12'000; ++i) half_tokens += "<extra_i";
  for (const std::string& text :
       {std::string(100'000, 'a'), marks, unknown, half_tokens, std::string(100'000, ' ') + "x"}) {
    const std::clock_t begin = std::clock();  // the processor's time: other work may be going on
    EXPECT_FALSE(tokenizer.encode(text).empty());
    const double seconds = static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC;
    EXPECT_LT(seconds, 5.0) << text.substr(0, 10);  // measured: below 0.1 s each
  }
}

Unigram unigram(std::vector<UnigramPiece> pieces) {
  pieces.insert(pieces.begin(), {"<unk>", 0});
  return std::move(*Unigram::build(std::move(pieces), 0));
}

Ids cut(const Unigram& model, std::string_view word) {
  Ids ids;
  model.encode(word, ids);
  return ids;
}

TEST(Unigram, TakesTheCutOfTheLargestSumNotTheLongestPieces) {
  EXPECT_THAT(cut(unigram({{"ab", -5}, {"a", -1}, {"b", -1.5}}), "ab"), ElementsAre(2, 3));
  EXPECT_THAT(cut(unigram({{"ab", -2}, {"a", -1}, {"b", -1.5}}), "ab"), ElementsAre(1));
  EXPECT_THAT(cut(unigram({{"ab", -1}, {"bcd", -1}, {"a", -1}, {"d", -9}, {"c", -9}}), "abcd"),
              ElementsAre(3, 2));
}

TEST(Unigram, MakesOneIdOfNeighboursThatNoPieceHolds) {
  const Unigram model = unigram({{"a", -1}});
  EXPECT_THAT(cut(model, "xy\u5199a\u5199"), ElementsAre(0, 1, 0));
  EXPECT_THAT(cut(model, ""), IsEmpty());
}

TEST(Unigram, ScoresAnUnknownCharacterTenBelowTheLowestPiece) {
  // "xa" is a piece of -12.9 or an unknown x (-3 - 10) and "a".
  EXPECT_THAT(cut(unigram({{"a", -0.0}, {"xa", -12.9}}), "xa"), ElementsAre(2));
  EXPECT_THAT(cut(unigram({{"a", -0.5}, {"xa", -3}}), "xa"), ElementsAre(2));
}

TEST(Unigram, RefusesScoresThatAreNoNumbers) {
  for (const double score : {std::nan(""), HUGE_VAL, -HUGE_VAL})
    EXPECT_FALSE(Unigram::build({{"a", score}}, 0).has_value());
  EXPECT_FALSE(Unigram::build({}, 0).has_value());
  EXPECT_FALSE(Unigram::build({{"a", 0}}, 1).has_value());
  EXPECT_FALSE(Unigram::build({{"a", 0}}, -1).has_value());
  EXPECT_FALSE(Unigram::build({{"\xff", 0}}, 0).has_value());
}

std::string golden_map() {
  const json text = golden_json()["normalizer"]["normalizers"][0]["precompiled_charsmap"];
  return std::move(*from_base64(text.get<std::string>()));
}

TEST(Charsmap, ReplacesTheLongestKey) {
  const Charsmap map = *Charsmap::parse(golden_map());
  EXPECT_EQ(map.normalize("e\u0301o\u0302\u0302"), "\u00e9\u00f4\u0302");
  EXPECT_EQ(map.normalize("\ufb01\u0301"), "fi\u0301");  // the accent stays
  EXPECT_EQ(map.normalize("a\tb\u3000c\u200bd\u2581"), "a b c d ");
  EXPECT_EQ(map.normalize("\u1112\u1161\u11ab"), "\ud55c");
  EXPECT_EQ(map.normalize("\u5199\U0001f600"), "\u5199\U0001f600");  // no rules: they stay
  EXPECT_EQ(map.normalize("\x01\x0b"), "");
  EXPECT_EQ(map.normalize(std::string_view("\0", 1)), std::string_view("\0", 1));
}

TEST(Charsmap, SaysWhatIsBroken) {
  const std::string good = golden_map();
  const auto message = [](const std::string& bytes) {
    const Result<Charsmap> map = Charsmap::parse(bytes);
    return map ? std::string("no error") : map.error().message;
  };
  EXPECT_THAT(message(""), HasSubstr("has 0 bytes"));
  EXPECT_THAT(message(std::string(8, '\xff')), HasSubstr("has an array of 4294967295 bytes"));
  EXPECT_THAT(message(good.substr(0, 2000)), HasSubstr("has an array of"));
  EXPECT_THAT(message(good + "x"), HasSubstr("ends within a replacement"));
  EXPECT_THAT(message(good + "\xff" + '\0'), HasSubstr("not UTF-8"));
  EXPECT_THAT(message(good + std::string(257, 'x') + '\0'),
              HasSubstr("a replacement of 257 bytes"));
  std::string far = good;
  for (std::size_t unit = 4; unit < 2000; unit += 4) far[unit + 3] = '\xff';
  EXPECT_THAT(message(far), HasSubstr("where none begins"));
}

TEST(Charsmap, SurvivesAnArrayThatLeadsNowhere) {
  // Every node leads to itself or out of the array; nothing is replaced or the array is refused.
  for (const unsigned byte : {0x00u, 0x7fu, 0x41u, 0x01u}) {
    std::string bytes("\x40\0\0\0", 4);
    for (int i = 0; i < 64; ++i) bytes += static_cast<char>(byte);
    const Result<Charsmap> map = Charsmap::parse(bytes + "x" + '\0');
    ASSERT_TRUE(map.has_value()) << map.error().message;
    EXPECT_EQ(map->normalize("AAA\u5199"), "AAA\u5199");
  }
}

}  // namespace
}  // namespace imagined::engine
