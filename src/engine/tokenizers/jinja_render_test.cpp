#include "engine/tokenizers/jinja_render.h"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "engine/tokenizers/jinja_syntax.h"

namespace imagined::engine::jinja {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

std::string written(std::string_view text, const json& variables = json::object()) {
  const Result<std::string> result = render(text, variables);
  return result ? *result : "error: " + result.error().message;
}

using Cases = std::vector<std::pair<std::string_view, std::string_view>>;

void expect(const Cases& cases) {
  for (const auto& [text, expected] : cases) EXPECT_EQ(written(text), expected) << text;
}

// What is expected is what Jinja 3.1.6 writes in transformers' environment (trim_blocks,
// lstrip_blocks, loopcontrols), asked once for each line.

TEST(Jinja, DropsTheBlanksThatTransformersDrops) {
  expect({{"a {{- 'b' -}} c", "abc"},
          {"a\n  {% if true %}\nb\n  {% endif %}\nc", "a\nb\nc"},
          {"a\n  {{ 'b' }}\nc", "a\n  b\nc"},
          {"a {% if true %} b{% endif %}\n", "a  b"},
          {"  {%+ if true %}b{% endif %}", "  b"},
          {"a {# not\nthis #}\nb", "a b"},
          {"a\r\nb\n\n", "a\nb\n"},
          {"{% if true %}\n\nx{% endif %}", "\nx"},
          {"x {% set a = 1 %} {% set b = 2 %}\ny", "x  y"}});
}

TEST(Jinja, ReadsStringsAsPythonDoes) {
  expect({{R"({{ 'a\n\'b\'' + "\"c\"\\" }})", "a\n'b'\"c\"\\"},
          {R"({{ '\u00e9\x41\q' }})", "\u00e9A\\q"},
          {"{{ 'one' ' two' }}", "one two"},
          {"{{ '}}' }}{{ '{%' }}", "}}{%"}});
}

TEST(Jinja, WorksExpressionsOutAsJinjaDoes) {
  expect({{"{{ 1 + 2 * 3 - 4 }}", "3"},
          {"{{ (1 + 2) ~ 'x' ~ 3 }}", "3x3"},
          {"{{ -3 % 5 }}", "2"},
          {"{{ not false and false or true }}", "True"},
          {"{{ not 'a' == 'b' }}", "True"},
          {"{{ 1 if false else 2 if false else 3 }}", "3"},
          {"[{{ 'x' if false }}]", "[]"},
          {"{{ x }}{{ none }}{{ true }}", "NoneTrue"},
          {"{{ [] or 'empty' }}{{ 'a' and 'b' }}", "emptyb"},
          {"{{ 'a' in 'abc' and 'd' not in 'abc' }}", "True"},
          {"{{ 2 == 2 and 'a' != 'b' and 1 < 2 and 'a' < 'b' }}", "True"},
          {"{{ [1, 2, 3][::-1][0] }} {{ [1, 2, 3, 4][1:-1] | length }}", "3 2"},
          {"{{ {'a': 1}['a'] }}{{ {'a': 1}.get('b', 2) }}{{ 'a' in {'a': 1} }}", "12True"},
          {"{{ {'a': 1}.b is defined }}", "False"},
          {"{{ 'a' is string and none is none and x is not defined }}", "True"},
          {"{{ 'a' is in ['a'] }}{{ 1 is eq 1 }}", "TrueTrue"}});
}

TEST(Jinja, RunsStatementsAsJinjaDoes) {
  expect(
      {{"{% if false %}a{% elif true %}b{% else %}c{% endif %}", "b"},
       {"{% set x = 1 %}{% for i in [1, 2] %}{% set x = x + i %}{{ x }}{% endfor %}{{ x }}", "231"},
       {"{% set n = namespace(x=1) %}{% for i in [1, 2] %}{% set n.x = n.x + i %}{% endfor %}"
        "{{ n.x }}",
        "4"},
       {"{% for i in [3, 4, 5] if i != 4 %}{{ loop.index }}{{ loop.last }}{{ i }}{% endfor %}",
        "1False32True5"},
       {"{% for i in [] %}{% else %}none{% endfor %}{{ loop is defined }}", "noneFalse"},
       {"{% for a, b in [[1, 2], [3, 4]] %}{{ a }}{{ b }}{% endfor %}", "1234"},
       {"{% for k, v in {'a': 1}.items() %}{{ k }}{{ v }}{% endfor %}", "a1"},
       {"{% for i in [1, 2, 3, 4] %}{% if i == 2 %}{% continue %}{% endif %}"
        "{% if i == 4 %}{% break %}{% endif %}{{ i }}{% endfor %}",
        "13"},
       {"{% macro f(a, b='-') %}<{{ a }}{{ b }}{% endmacro %}"
        "{{ f('x') }}{{ f('y', b='+') | trim }}",
        "<x-<y+"},
       {"{% set t %}a{{ 1 }}{% endset %}[{{ t }}]", "[a1]"},
       // Its own tag is of transformers' making, which marks the text for training.
       {"a{% generation %}b{% endgeneration %}c", "abc"}});
}

TEST(Jinja, KnowsTheFunctionsThatTemplatesUse) {
  expect({{"{{ '  a b ' | trim }}|{{ ' a'.lstrip() }}|{{ 'xxa'.lstrip('x') }}", "a b|a|a"},
          {"{{ 'a,b'.split(',')[-1] }}{{ 'aX' | replace('X', '') }}{{ 'aXbX'.replace('X', '-') }}",
           "baa-b-"},
          {"{{ x | default('d') }}{{ '' | default('e', true) }}{{ '' | default('f') }}", "de"},
          {"{{ ['a', 1] | join('-') }}", "a-1"},
          {"{{ 'abc'.startswith('a') and 'abc'.endswith('bc') }}", "True"}});
}

TEST(Jinja, NamesTheLineOfWhatItDoesNotKnow) {
  expect(
      {{"\n\n{{ 1 | tojson }}",
        "error: line 3: the filter \"tojson\" of a number is not known "
        "here"},
       {"{{ strftime_now('%d') }}",
        "error: line 1: the function \"strftime_now\" is not known "
        "here"},
       {"{{ 'a'.title() }}", "error: line 1: the function \"title\" of a text is not known here"},
       {"{{ 1 is divisibleby(1) }}", "error: line 1: the test \"divisibleby\" is not known here"},
       {"{{ 1.5 }}", "error: line 1: only whole numbers are known here"},
       {"{% include 'x' %}", "error: line 1: {% include %} is not known here"},
       {"{{ raise_exception('no system') }}", "error: line 1: refuses: no system"},
       {"{{ x.y }}", "error: line 1: asks an undefined value for a part of it"}});
}

TEST(Jinja, RefusesWhatIsNoTemplate) {
  for (const std::string_view text :
       {"{{", "{{ 'a", "{# a", "{% if true %}a", "{% endif %}", "{{ ) }}", "{{ (1] }}", "{{ 1 2 }}",
        "{% for in x %}{% endfor %}", "{% set 1 = 2 %}", "{{ a b }}", "{{ ? }}", "{{ '\\ud800' }}",
        "{{ a[] }}", "{{ f(a=) }}", "{% %}", "{% else %}", "{% if 1 if 1 %}{% endif %}"}) {
    const Result<std::string> result = render(text, json::object());
    ASSERT_FALSE(result.has_value()) << text;
    EXPECT_EQ(result.error().code, ErrorCode::invalid_argument) << text;
    EXPECT_THAT(result.error().message, HasSubstr("line 1: ")) << text;
  }
}

std::string repeated(std::string_view text, int count) {
  std::string all;
  for (int i = 0; i < count; ++i) all += text;
  return all;
}

TEST(Jinja, EndsWhateverTheTemplateIs) {
  const std::string ten = "[x,x,x,x,x,x,x,x,x,x]";
  for (const std::string& text : {
           "{{ " + repeated("(", 20'000) + repeated(")", 20'000) + " }}",
           "{{ " + repeated("not ", 20'000) + "1 }}",
           "{{ 1" + repeated("+1", 20'000) + " }}",
           "{{ x" + repeated(".a", 20'000) + " }}",
           "{{ 'x'" + repeated("|trim", 20'000) + " }}",
           "{{ 1" + repeated(" if 1 else 1", 20'000) + " }}",
           repeated("{% if 1 %}", 20'000),
           "{% if 1 %}" + repeated("{% elif 1 %}", 20'000) + "{% endif %}",
           // Twice as long each time.
           "{% set x = 'ab' %}" + repeated("{% set x = x + x %}", 60),
           "{% set x = [1] %}" + repeated("{% set x = " + ten + " %}", 60),
           "{% set x = [1] %}" + repeated("{% set x = [x] %}", 60),
           // Each loop runs thousands of times.
           "{% set x = '" + repeated("a,", 500) + "'.split(',') %}" +
               "{% for a in x %}{% for b in x %}{% for c in x %}{% endfor %}{% endfor %}{% endfor "
               "%}",
           std::string("{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}"),
           "{% for a in 'xxxxxxxxxx'.split('x') %}" + repeated("a", 9'000) + "{% endfor %}",
           std::string(kMaxTemplateBytes + 1, 'a'),
       }) {
    const Result<std::string> result = render(text, json::object());
    ASSERT_FALSE(result.has_value()) << text.substr(0, 60);
    EXPECT_EQ(result.error().code, ErrorCode::invalid_argument) << text.substr(0, 60);
  }
}

}  // namespace
}  // namespace imagined::engine::jinja
