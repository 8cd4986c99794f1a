// The published vocabularies of Qwen, T5 and CLIP against known ids. tools/fetch_vocabularies.py
// brings them; without them the tests are skipped with its reason.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "base/folder_testing.h"
#include "engine/tokenizers/clip_tokenizer.h"
#include "engine/tokenizers/qwen_tokenizer.h"
#include "engine/tokenizers/t5_tokenizer.h"

namespace imagined::engine {
namespace {

namespace fs = std::filesystem;
using Ids = std::vector<std::int32_t>;

fs::path vocabularies() { return fs::path(IMAGINED_SOURCE_DIR) / "build" / "vocabularies"; }

/// Why a vocabulary is not there; empty when it is.
std::string why_missing(const char* name) {
  if (fs::exists(vocabularies() / name)) return {};
  std::ifstream in(vocabularies() / "missing.txt");
  std::string reasons;
  for (std::string line; std::getline(in, line);) reasons += (reasons.empty() ? "" : "; ") + line;
  return std::string("no build/vocabularies/") + name + " (" +
         (reasons.empty() ? "tools/fetch_vocabularies.py has not run" : reasons) + ")";
}

#define SKIP_WITHOUT(name) \
  if (const std::string reason = why_missing(name); !reason.empty()) GTEST_SKIP() << reason

struct Row {
  const char* text;
  Ids ids;
};

const char* const kCactus = "A small cactus with a happy face in the Sahara desert.";
const char* const kCat = "a cat sitting on a window sill";
const char* const kRedFox =
    "A red fox in snow, 35mm photo; it's 12:45pm!  Two  spaces\tand tabs\n\nnew paragraph   ";

template <class Tokenizer, class Encode>
void expect_ids(const char* name, const std::vector<Row>& rows, const Encode& encode) {
  const Result<Tokenizer> tokenizer = Tokenizer::load(vocabularies() / name);
  ASSERT_TRUE(tokenizer.has_value()) << tokenizer.error().message;
  for (const Row& row : rows) EXPECT_EQ(encode(*tokenizer, row.text), row.ids) << row.text;
}

// Source: ids published with Qwen3, reproduced with its vocabulary by Hugging Face's tokenizers.
TEST(PublicTokenizers, OfQwenGiveTheKnownIdsOfNineTexts) {
  SKIP_WITHOUT("qwen");
  const std::vector<Row> rows = {
      {"a bare wall", {64, 12461, 7002}},
      {kCat, {64, 8251, 11699, 389, 264, 3241, 84267}},
      {kCactus, {32, 2613, 272, 60959, 448, 264, 6247, 3579, 304, 279, 87978, 23603, 13}},
      {kRedFox, {32,  2518, 38835, 304,   11794, 11,    220, 18,  20,    3821, 6548,
                 26,  432,  594,   220,   16,    17,    25,  19,  20,    5187, 0,
                 220, 9043, 220,   12621, 52477, 22398, 271, 931, 14311, 262}},
      {"don't I'LL café naïve — “quoted” 1234567 3.14 e-mail@x.org https://a.b/c?d=e",
       {15007, 944, 358, 6,    4086, 51950, 94880, 586, 1959, 1036, 63725, 854,  220,
        16,    17,  18,  19,   20,   21,    22,    220, 18,   13,   16,    19,   384,
        11468, 31,  87,  2659, 3703, 1110,  64,    948, 2899, 30,   67,    40391}},
      {"grauer Hintergrund, 写真 スタジオ, фон без людей 😀",
       {901, 27097, 472, 2245, 59785, 11, 68739, 247, 88051, 78950, 46207, 75328, 89862, 11, 140406,
        91357, 131007, 90316}},
      {"   leading spaces\r\nCRLF line\n  indented",
       {256, 6388, 12621, 319, 34, 80658, 1555, 198, 220, 1257, 15864}},
      {"cafe\u0301 \u212b \ufb01", {924, 58858, 79252, 32495, 70731}},
      {"x\n\n\n  y", {87, 1406, 220, 379}},
  };
  expect_ids<QwenTokenizer>("qwen", rows, [](const QwenTokenizer& tokenizer, const char* text) {
    return tokenizer.encode(text);
  });
}

TEST(PublicTokenizers, OfQwenFrameAPromptAsQwen3sTemplateDoes) {
  SKIP_WITHOUT("qwen");
  const Result<QwenTokenizer> tokenizer = QwenTokenizer::load(vocabularies() / "qwen");
  ASSERT_TRUE(tokenizer.has_value()) << tokenizer.error().message;
  EXPECT_EQ(tokenizer->encode_prompt("a bare wall"),
            (Ids{151644, 872, 198, 64, 12461, 7002, 151645, 198, 151644, 77091, 198, 151667, 271,
                 151668, 271}));
  EXPECT_EQ(tokenizer->encode_prompt("").size(), 12u);
  // A prompt's first newline joins the template's to one token, 271.
  EXPECT_EQ(tokenizer->encode_prompt("\na").at(2), 271);
  EXPECT_EQ(tokenizer->encode_prompt("", PromptLength()).ids.back(), 151643);
  EXPECT_EQ(tokenizer->vocab_size(), 151669);
}

const std::vector<Row>& t5_rows() {
  static const std::vector<Row> rows = {
      {"", {1}},
      {kCactus, {71, 422, 3, 75, 18141, 7, 28, 3, 9, 1095, 522, 16, 8, 1138, 14888, 9980, 5, 1}},
      {kCat, {3, 9, 1712, 3823, 30, 3, 9, 2034, 108, 195, 1}},
      {kRedFox, {71,  1131, 3,    20400, 16, 2983, 6,    3097, 635,  1202, 117, 34,   31, 7,
                 586, 10,   2128, 2028,  55, 2759, 4856, 11,   3808, 7,    126, 8986, 1}},
      {"写真 😀 фон", {3, 2, 3, 2, 3, 2, 25752, 1}},
      {"\ufb01ne ½ Å cafe\u0301 ＡＢＣ", {1399, 209, 2, 357, 3, 2, 11949, 14213, 1}},
      {"a\u00a0b\u3000c\u200bd", {3, 9, 3, 115, 3, 75, 3, 26, 1}},
  };
  return rows;
}

Ids unpadded(const T5Tokenizer& tokenizer, const char* text) {
  return tokenizer.encode_prompt(text, {.max_tokens = 512, .pad = false}).ids;
}

// Source: SentencePiece itself with the same vocabulary.
TEST(PublicTokenizers, OfT5GiveTheKnownIdsOfSevenTexts) {
  SKIP_WITHOUT("t5");
  expect_ids<T5Tokenizer>("t5", t5_rows(), unpadded);
}

TEST(PublicTokenizers, OfT5GiveTheSameIdsFromSentencePiecesFile) {
  SKIP_WITHOUT("t5");
  const TestFolder folder;
  fs::copy_file(vocabularies() / "t5" / "spiece.model", folder.path() / "spiece.model");
  const Result<T5Tokenizer> tokenizer = T5Tokenizer::load(folder.path());
  ASSERT_TRUE(tokenizer.has_value()) << tokenizer.error().message;
  for (const Row& row : t5_rows()) EXPECT_EQ(unpadded(*tokenizer, row.text), row.ids) << row.text;
  EXPECT_EQ(tokenizer->encode("<extra_id_0><extra_id_99>"), (Ids{32099, 32000}));
  EXPECT_EQ(tokenizer->vocab_size(), 32100);
}

Ids unpadded_clip(const ClipTokenizer& tokenizer, const char* text) {
  return tokenizer.encode_prompt(text, {.max_tokens = 77, .pad = false}).ids;
}

// Source: transformers' CLIPTokenizer with the same vocabulary.
TEST(PublicTokenizers, OfClipGiveTheKnownIdsOfFourTexts) {
  SKIP_WITHOUT("clip");
  const std::vector<Row> rows = {
      {"", {49406, 49407}},
      {kCactus, {49406, 320, 2442, 19794, 593, 320, 900, 1710, 530, 518, 24599, 7301, 269, 49407}},
      {kCat, {49406, 320, 2368, 4919, 525, 320, 4879, 48024, 49407}},
      {"A red fox in snow, 35mm photo; it's 12:45pm!",
       {49406, 320, 736, 3240, 530, 2583, 267, 274, 276, 2848, 1125,
        282,   585, 568, 272,  273, 281,  275, 276, 990, 256,  49407}},
  };
  expect_ids<ClipTokenizer>("clip", rows, unpadded_clip);
}

TEST(PublicTokenizers, OfClipPadWithTheEndToken) {
  SKIP_WITHOUT("clip");
  const Result<ClipTokenizer> tokenizer = ClipTokenizer::load(vocabularies() / "clip");
  ASSERT_TRUE(tokenizer.has_value()) << tokenizer.error().message;
  const PromptEncoding prompt = tokenizer->encode_prompt("");
  EXPECT_EQ(prompt.real_count, 2);
  Ids expected(77, 49407);
  expected[0] = 49406;
  EXPECT_EQ(prompt.ids, expected);
  EXPECT_EQ(tokenizer->vocab_size(), 49408);
}

}  // namespace
}  // namespace imagined::engine
