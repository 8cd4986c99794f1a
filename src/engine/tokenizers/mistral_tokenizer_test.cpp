#include "engine/tokenizers/mistral_tokenizer.h"

#include <gmock/gmock.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "base/folder_testing.h"
#include "engine/tokenizers/chat_template.h"
#include "engine/tokenizers/pre_tokenizer.h"

namespace imagined::engine {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
namespace fs = std::filesystem;
using Ids = std::vector<std::int32_t>;

const fs::path kGolden = fs::path(IMAGINED_SOURCE_DIR) / "tests" / "golden";

json json_of(const fs::path& file) {
  std::ifstream in(file);
  return json::parse(in);
}

/// A copy of the recorded model's tokenizer that can be changed.
class Mistral : public testing::Test {
 protected:
  Mistral() { fs::copy(kGolden / "c1" / "tokenizer", folder_.path()); }
  std::string error() const {
    const auto loaded = MistralTokenizer::load(folder_.path());
    return loaded ? "none" : loaded.error().message;
  }
  void change(const char* file, const std::function<void(json&)>& edit) const {
    json root = json_of(folder_.path() / file);
    edit(root);
    folder_.write(file, root.dump());
  }

  const TestFolder folder_;
};

TEST_F(Mistral, GivesTheIdsOfHuggingFacesTokenizers) {
  const auto tokenizer = MistralTokenizer::load(folder_.path());
  ASSERT_TRUE(tokenizer.has_value()) << tokenizer.error().message;
  const json cases = json_of(kGolden / "tekken_cases.json")["cases"];
  ASSERT_EQ(cases.size(), 190u);
  for (const json& one : cases)
    EXPECT_EQ(tokenizer->encode(one["text"].get<std::string>()), one["ids"].get<Ids>())
        << one["text"];
}

TEST_F(Mistral, PutsAPromptIntoItsConversationAndFillsUpOnTheLeft) {
  const auto tokenizer = MistralTokenizer::load(folder_.path());
  ASSERT_TRUE(tokenizer.has_value());
  const Ids ids = tokenizer->encode_prompt("a [IMG]hat");
  const PromptFrame& frame = flux2_dev_frame();
  EXPECT_EQ(ids, tokenizer->encode(frame.before + "a hat" + frame.after));
  EXPECT_EQ(ids.front(), 1);
  const auto count = static_cast<std::int64_t>(ids.size());
  const PromptEncoding padded = tokenizer->encode_prompt("a hat", {.max_tokens = count + 2});
  EXPECT_EQ(padded.real_count, count);
  EXPECT_THAT(Ids(padded.ids.begin(), padded.ids.begin() + 3), ElementsAre(11, 11, 1));
  const PromptEncoding cut = tokenizer->encode_prompt("a hat", {.max_tokens = 5});
  EXPECT_EQ(cut.ids, Ids(ids.begin(), ids.begin() + 5));
}

TEST_F(Mistral, RefusesTheOtherSideAndATemplateThatItWasNotTrainedWith) {
  change("tokenizer_config.json", [](json& root) { root["padding_side"] = "right"; });
  EXPECT_THAT(error(), HasSubstr("\"padding_side\": \"right\" is not supported, only \"left\""));
  change("tokenizer_config.json", [](json& root) { root["padding_side"] = "left"; });
  EXPECT_EQ(error(), "none");
  folder_.write("chat_template.jinja", "{{ messages[1].content[0].text }}");
  EXPECT_THAT(error(), HasSubstr("chat_template.jinja"));
  EXPECT_THAT(error(), HasSubstr("[SYSTEM_PROMPT]"));
  fs::remove(folder_.path() / "chat_template.jinja");
  EXPECT_EQ(error(), "none");
}

TEST_F(Mistral, RunsATemplateThatAsksForTheDateAndChecksItsMessages) {
  folder_.write("chat_template.jinja", R"({%- set today = strftime_now("%Y-%m-%d") %}
{{- bos_token }}
{%- if messages[0].role == 'system' %}
{%- if messages[0].content is string %}{%- set system = messages[0].content %}
{%- else %}{%- set system = messages[0].content[0].text %}{%- endif %}
{%- set rest = messages[1:] %}
{%- else %}{%- set system = 'Today is ' + today %}{%- set rest = messages %}{%- endif %}
{{- '[SYSTEM_PROMPT]' + system + '[/SYSTEM_PROMPT]' }}
{%- for message in rest %}
{%- if message['role'] == 'user' %}
{{- '[INST]' }}{%- for block in message['content'] %}
{%- if block['type'] == 'text' %}{{- block['text'] }}
{%- else %}{{- raise_exception('no such block') }}{%- endif %}
{%- endfor %}{{- '[/INST]' }}
{%- endif %}
{%- endfor %})");
  EXPECT_EQ(error(), "none");
}

TEST_F(Mistral, NamesMarksThatAreNoTokens) {
  change("tokenizer.json", [](json& root) {
    for (json& token : root["added_tokens"])
      if (token["content"] == "[INST]") token["content"] = "[INSTEAD]";
  });
  EXPECT_THAT(error(), HasSubstr("[INST]"));
}

TEST(TekkenWords, TellCapitalLettersApart) {
  EXPECT_THAT(split_tekken_words("HelloWorld ABCdef"), ElementsAre("Hello", "World", " ABCdef"));
  EXPECT_THAT(split_tekken_words("don't a//b"), ElementsAre("don", "'t", " a", "//", "b"));
  EXPECT_THAT(split_tekken_words("12 \n x"), ElementsAre("1", "2", " \n", " x"));
}

}  // namespace
}  // namespace imagined::engine
