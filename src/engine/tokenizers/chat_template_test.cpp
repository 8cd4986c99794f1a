#include "engine/tokenizers/chat_template.h"

#include <gmock/gmock.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "base/folder_testing.h"
#include "engine/tokenizers/text_file.h"

namespace imagined::engine {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
namespace fs = std::filesystem;

const fs::path kGolden = fs::path(IMAGINED_SOURCE_DIR) / "tests" / "golden";

/// What a template in chat_template.jinja comes to.
Result<PromptFrame> frame_of(std::string jinja, const json& config = json::object()) {
  return read_prompt_frame(
      {.config = config.dump(), .jinja = std::move(jinja), .json = std::nullopt});
}

std::string message(const Result<PromptFrame>& frame) {
  return frame ? "no error" : frame.error().message;
}

/// Written as published templates of this family are: tools, reasoning, system messages.
constexpr std::string_view kLong = R"({%- if tools %}
    {{- '<|im_start|>system\n' }}
    {%- for tool in tools %}
        {{- tool | tojson }}
    {%- endfor %}
    {{- '<|im_end|>\n' }}
{%- elif messages[0].role == 'system' %}
    {{- '<|im_start|>system\n' + messages[0].content + '<|im_end|>\n' }}
{%- endif %}
{%- set ns = namespace(open=true, last=messages|length - 1) %}
{%- for message in messages[::-1] %}
    {%- set index = (messages|length - 1) - loop.index0 %}
    {%- if ns.open and message.role == "user" and message.content is string and not(message.content.startswith('<tool>') and message.content.endswith('</tool>')) %}
        {%- set ns.open = false %}
        {%- set ns.last = index %}
    {%- endif %}
{%- endfor %}
{%- for message in messages %}
    {%- set content = message.content if message.content is string else '' %}
    {%- if (message.role == "user") or (message.role == "system" and not loop.first) %}
        {{- '<|im_start|>' + message.role + '\n' + content + '<|im_end|>' + '\n' }}
    {%- elif message.role == "assistant" %}
        {%- set content = content.split('</think>')[-1].lstrip('\n') %}
        {{- '<|im_start|>' + message.role + '\n' + content | tojson(ensure_ascii=False) }}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|im_start|>assistant\n' }}
    {%- if enable_thinking is defined and enable_thinking is false %}
        {{- '<think>\n\n</think>\n\n' }}
    {%- endif %}
{%- endif %})";

TEST(ChatTemplate, IsQwen3sInEverySpellingOfIt) {
  const std::string golden =
      read_text_file(kGolden / "a1" / "tokenizer" / "chat_template.jinja").value();
  EXPECT_EQ(frame_of(golden).value(), qwen3_frame());
  EXPECT_EQ(frame_of(std::string(kLong)).value(), qwen3_frame());
  // One message is all that is ever written.
  EXPECT_EQ(frame_of("<|im_start|>user\n{{ messages[-1]['content'] }}{{ eos_token }}\n"
                     "<|im_start|>assistant\n<think>\n\n</think>{{ '' if 0 else '\\n\\n' }}",
                     {{"eos_token", {{"content", "<|im_end|>"}}}})
                .value(),
            qwen3_frame());
  EXPECT_EQ(frame_note(qwen3_frame()), "");
}

TEST(ChatTemplate, IsFollowedWhereItWritesSomethingElse) {
  // Says what the model is before the user speaks, and leaves the thinking to the assistant.
  const PromptFrame frame =
      frame_of(
          "<|im_start|>system\nYou paint.<|im_end|>\n{% for m in messages %}<|im_start|>"
          "{{ m.role }}: {{ m.content }}<|im_end|>\n{% endfor %}"
          "{% if add_generation_prompt %}<|im_start|>assistant\n{{ '' }}{% endif %}")
          .value();
  EXPECT_EQ(frame.before, "<|im_start|>system\nYou paint.<|im_end|>\n<|im_start|>user: ");
  EXPECT_EQ(frame.after, "<|im_end|>\n<|im_start|>assistant\n");
  EXPECT_THAT(frame_note(frame),
              HasSubstr(R"("<|im_end|>\n<|im_start|>assistant\n", not between)"));
}

TEST(ChatTemplate, IsRefusedWhereItChangesThePromptItself) {
  EXPECT_THAT(
      message(frame_of("<{{ messages[0].content | trim }}>")),
      HasSubstr(R"(chat_template.jinja: "chat_template": changes the prompt " \n a prompt)"));
  EXPECT_THAT(message(frame_of("<{{ messages[0].content.split('</think>')[-1] }}>")),
              HasSubstr(R"(changes the prompt "<think>)"));
  EXPECT_THAT(
      message(frame_of("{% if messages[0].content %}<{{ messages[0].content }}>{% endif %}")),
      HasSubstr(R"(changes the prompt "": writes "")"));
  EXPECT_THAT(message(frame_of("hello")),
              HasSubstr(R"(does not say a prompt once: writes "hello")"));
  EXPECT_THAT(message(frame_of("{{ messages[0].content * 2 }}")), HasSubstr("line 1: \"*\""));
  const Result<PromptFrame> dated =
      frame_of("a\n{{ strftime_now('%Y') }}{{ messages[0].content }}");
  EXPECT_EQ(message(dated),
            "chat_template.jinja: \"chat_template\": line 2: the function \"strftime_now\" is not "
            "known here");
  EXPECT_EQ(dated.error().code, ErrorCode::unimplemented);
  EXPECT_THAT(message(frame_of("{{ raise_exception('System needed') }}")),
              HasSubstr("line 1: refuses: System needed"));
}

TEST(ChatTemplate, IsTakenFromTheFileThatTransformersTakesItFrom) {
  const auto around = [](const char* before) {
    return std::string(before) + "{{ messages[0].content }}";
  };
  const auto before = [](const ChatTemplateFiles& files) {
    const Result<PromptFrame> frame = read_prompt_frame(files);
    return frame ? frame->before : frame.error().message;
  };
  const json plain = {{"chat_template", around("plain")}};
  const json list = {{"chat_template",
                      {{{"name", "tool_use"}, {"template", around("tools")}},
                       {{"name", "default"}, {"template", around("default")}}}}};
  const json object = {{"chat_template", {{"default", around("default")}, {"rag", around("rag")}}}};
  const json nameless = {{"chat_template", {{{"name", "rag"}, {"template", around("rag")}}}}};
  const json absent = {{"chat_template", nullptr}};
  const std::string jinja = around("jinja");
  EXPECT_EQ(before({.config = plain.dump(), .jinja = {}, .json = {}}), "plain");
  EXPECT_EQ(before({.config = list.dump(), .jinja = {}, .json = {}}), "default");
  EXPECT_EQ(before({.config = object.dump(), .jinja = {}, .json = {}}), "default");
  EXPECT_EQ(before({.config = plain.dump(), .jinja = jinja, .json = plain.dump()}), "jinja");
  EXPECT_EQ(before({.config = absent.dump(), .jinja = {}, .json = plain.dump()}), "plain");
  EXPECT_EQ(before({.config = list.dump(), .jinja = {}, .json = plain.dump()}), "default");
  EXPECT_EQ(before({.config = absent.dump(), .jinja = {}, .json = {}}), qwen3_frame().before);
  EXPECT_EQ(before({.config = {}, .jinja = {}, .json = {}}), qwen3_frame().before);
  EXPECT_THAT(before({.config = nameless.dump(), .jinja = {}, .json = {}}),
              HasSubstr("one is named \"default\""));
  EXPECT_THAT(before({.config = json{{"chat_template", 1}}.dump(), .jinja = {}, .json = {}}),
              HasSubstr("tokenizer_config.json: \"chat_template\": expected a template"));
}

TEST(ChatTemplate, IsReadFromATokenizersFolder) {
  const TestFolder folder;
  EXPECT_EQ(load_prompt_frame(folder.path()).value(), qwen3_frame());
  folder.write("chat_template.json",
               json{{"chat_template", "json {{ messages[0].content }}"}}.dump());
  EXPECT_EQ(load_prompt_frame(folder.path()).value().before, "json ");
  folder.write("tokenizer_config.json",
               json{{"chat_template", "config {{ messages[0].content }}"}}.dump());
  EXPECT_EQ(load_prompt_frame(folder.path()).value().before, "config ");
  folder.write("chat_template.jinja", "jinja {{ messages[0].content }}\n");
  EXPECT_EQ(load_prompt_frame(folder.path()).value().before, "jinja ");
  EXPECT_EQ(load_prompt_frame(folder.path()).value().after, "");
}

}  // namespace
}  // namespace imagined::engine
