#include "engine/families/gguf_tokenizer.h"

#include <gmock/gmock.h>

#include "base/folder_testing.h"
#include "engine/families/gguf_tokenizer_testing.h"
#include "engine/formats/safetensors_write.h"
#include "engine/formats/test_files.h"

namespace imagined::engine {
namespace {

using nlohmann::json;
using testing::HasSubstr;
namespace fs = std::filesystem;
using Ids = std::vector<std::int32_t>;

const fs::path kGolden = fs::path(IMAGINED_SOURCE_DIR) / "tests" / "golden";

class TokenizerInGguf : public testing::Test {
 protected:
  fs::path write(const GgufVocabulary& vocabulary) const {
    GgufBytes bytes;
    vocabulary.add_to(bytes);
    return folder_.write("encoder.gguf", bytes.bytes());
  }
  std::string qwen_error(const GgufVocabulary& vocabulary) const {
    const auto loaded = load_qwen_tokenizer(write(vocabulary));
    return loaded ? "none" : loaded.error().message;
  }

  const TestFolder folder_;
  const GgufVocabulary bpe_ = gguf_bpe(kGolden / "a1" / "tokenizer", 700);
};

TEST_F(TokenizerInGguf, OfQwenGivesTheIdsOfItsFolder) {
  const auto tokenizer = load_qwen_tokenizer(write(bpe_));
  ASSERT_TRUE(tokenizer.has_value()) << tokenizer.error().message;
  const json cases = json_in(kGolden / "tokenizer_cases.json");
  ASSERT_EQ(cases["cases"].size(), 60u);
  for (const json& one : cases["cases"]) {
    const auto text = one["text"].get<std::string>();
    EXPECT_EQ(tokenizer->encode_prompt(text), one["ids"].get<Ids>()) << text;
  }
  EXPECT_EQ(tokenizer->encode_prompt("", {.max_tokens = 99}).ids.back(),
            cases["pad_id"].get<std::int32_t>());
  EXPECT_EQ(tokenizer->vocab_size(),
            load_qwen_tokenizer(kGolden / "a1" / "tokenizer")->vocab_size());
}

/// As ComfyUI has it in UMT5's file.
TEST_F(TokenizerInGguf, OfT5InATensorGivesTheIdsOfItsFile) {
  const std::string spiece = bytes_in(kGolden / "small_t5_spiece" / "spiece.model");
  const fs::path file = folder_.path() / "umt5.safetensors";
  const std::vector<TensorToWrite> tensors = {
      {"spiece_model", DType::u8, {std::ssize(spiece)}, as_bytes(spiece)}};
  ASSERT_TRUE(write_safetensors(file, tensors).has_value());
  EXPECT_TRUE(holds_spiece_model(file));
  const auto inside = load_t5_tokenizer(file);
  ASSERT_TRUE(inside.has_value()) << inside.error().message;
  const auto beside = load_t5_tokenizer(kGolden / "small_t5_spiece");
  ASSERT_TRUE(beside.has_value()) << beside.error().message;
  for (const char* text : {"", "a red house", "two  birds, one tree"})
    EXPECT_EQ(inside->encode(text), beside->encode(text)) << text;
}

TEST_F(TokenizerInGguf, OfT5InADamagedTensorIsRefusedWithTheFilesName) {
  const std::string spiece = "no model of SentencePiece's";
  const fs::path file = folder_.path() / "umt5.safetensors";
  const std::vector<TensorToWrite> tensors = {
      {"spiece_model", DType::u8, {std::ssize(spiece)}, as_bytes(spiece)}};
  ASSERT_TRUE(write_safetensors(file, tensors).has_value());
  const auto inside = load_t5_tokenizer(file);
  ASSERT_FALSE(inside.has_value());
  EXPECT_THAT(inside.error().message, HasSubstr("umt5.safetensors"));
}

TEST_F(TokenizerInGguf, OfMistralGivesTheIdsOfItsFolder) {
  const auto tokenizer =
      load_mistral_tokenizer(write(gguf_bpe(kGolden / "c1" / "tokenizer", 424, "tekken")));
  ASSERT_TRUE(tokenizer.has_value()) << tokenizer.error().message;
  const json cases = json_in(kGolden / "tekken_cases.json")["cases"];
  ASSERT_EQ(cases.size(), 190u);
  for (const json& one : cases)
    EXPECT_EQ(tokenizer->encode(one["text"].get<std::string>()), one["ids"].get<Ids>())
        << one["text"];
  EXPECT_EQ(tokenizer->encode_prompt("", {.max_tokens = 150}).ids.front(), 11);
}

TEST_F(TokenizerInGguf, OfT5GivesTheIdsOfSentencePiece) {
  const auto tokenizer = load_t5_tokenizer(write(gguf_unigrams(kGolden / "small_t5", 512)));
  ASSERT_TRUE(tokenizer.has_value()) << tokenizer.error().message;
  const json cases = json_in(kGolden / "small_tokenizer_cases.json")["t5"];
  ASSERT_EQ(cases.size(), 201u);
  for (const json& one : cases) {
    const auto text = one["text"].get<std::string>();
    const char* key = one.contains("small_t5_spiece") ? "small_t5_spiece" : "ids";
    EXPECT_EQ(tokenizer->encode(text), one[key].get<Ids>()) << one["text"];
  }
  EXPECT_EQ(tokenizer->eos_id(), 1);
}

TEST_F(TokenizerInGguf, OfT5KnowsTheExtraTokensThatItsConverterLeftOut) {
  GgufVocabulary without = gguf_unigrams(kGolden / "small_t5", 512);
  for (std::size_t id = 0; id < without.types.size(); ++id)
    if (without.types[id] == 4) without.types[id] = 5;
  const auto tokenizer = load_t5_tokenizer(write(without));
  ASSERT_TRUE(tokenizer.has_value()) << tokenizer.error().message;
  const auto whole = load_t5_tokenizer(kGolden / "small_t5");
  EXPECT_EQ(tokenizer->encode("<extra_id_0> <extra_id_99>"),
            whole->encode("<extra_id_0> <extra_id_99>"));
}

TEST_F(TokenizerInGguf, FollowsTheChatTemplateInIt) {
  GgufVocabulary own = bpe_;
  own.chat_template = "{% for m in messages %}<|im_start|>{{ m.content }}{% endfor %}<|im_end|>";
  const auto tokenizer = load_qwen_tokenizer(write(own));
  ASSERT_TRUE(tokenizer.has_value()) << tokenizer.error().message;
  EXPECT_EQ(tokenizer->encode_prompt("a cat"), tokenizer->encode("<|im_start|>a cat<|im_end|>"));
  own.chat_template = "{{ messages[0].content | upper }}";
  EXPECT_THAT(qwen_error(own), HasSubstr("chat_template"));
}

TEST_F(TokenizerInGguf, NamesTheKeyOfEveryMistake) {
  const auto with = [&](const auto& change) {
    GgufVocabulary vocabulary = bpe_;
    change(vocabulary);
    return qwen_error(vocabulary);
  };
  EXPECT_THAT(with([](GgufVocabulary& v) { v.types.pop_back(); }),
              HasSubstr("tokenizer.ggml.token_type: 699 types of 700 tokens"));
  EXPECT_THAT(with([](GgufVocabulary& v) { v.types[3] = 6; }),
              HasSubstr("token 3 of type 6 is not supported"));
  EXPECT_THAT(with([](GgufVocabulary& v) { v.merges[1] = "ab"; }),
              HasSubstr("tokenizer.ggml.merges: rule 1"));
  EXPECT_THAT(with([](GgufVocabulary& v) { v.merges[2] = "nowhere x"; }), HasSubstr("rule 2"));
  EXPECT_THAT(with([](GgufVocabulary& v) { v.padding_id = 700; }),
              HasSubstr("tokenizer.ggml.padding_token_id: 700 of 700 tokens"));
  EXPECT_THAT(with([](GgufVocabulary& v) { v.types[657] = 5; }), HasSubstr("<|im_start|>"));
  GgufVocabulary t5 = gguf_unigrams(kGolden / "small_t5", 512);
  t5.scores.pop_back();
  EXPECT_THAT(load_t5_tokenizer(write(t5)).error().message,
              HasSubstr("tokenizer.ggml.scores: 511 scores of 512 tokens"));
}

TEST_F(TokenizerInGguf, IsNotThereInOtherFiles) {
  EXPECT_FALSE(read_listed_vocabulary(folder_.write("a.gguf", GgufBytes().bytes()))->has_value());
  EXPECT_FALSE(read_listed_vocabulary(folder_.write("a.safetensors", "12345678"))->has_value());
  EXPECT_FALSE(read_listed_vocabulary(folder_.path())->has_value());
  GgufBytes wrong;
  wrong.key("tokenizer.ggml.tokens", 4, u32_bytes(7));
  const auto read = read_listed_vocabulary(folder_.write("wrong.gguf", wrong.bytes()));
  ASSERT_FALSE(read.has_value());
  EXPECT_THAT(read.error().message, HasSubstr("\"tokenizer.ggml.tokens\": a value of another"));
}

}  // namespace
}  // namespace imagined::engine
