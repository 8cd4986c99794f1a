#include "cli/pages.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace imagined::cli {
namespace {

using testing::HasSubstr;
using testing::Not;

Command small_program(std::string& text, bool& flag) {
  Command paint{"paint", "Paint someone's picture"};
  paint.options = {{"-f,--format", &text, "Format of it", {.choices = {"png", "jpeg"}}},
                   {"--model", &text, "Which"},
                   {"--side", &text, "Width", {.usual = {"1k", "2k"}}},
                   {"--json", &flag, "As JSON"},
                   {"--fd", &text, "Not for people", {}, OptionGroup::hidden}};
  paint.footer = ".hidden files are drawn too";
  Command keys{"keys", "Keys"};
  keys.commands = {{"create", "Make a key"}};
  Command program{"imagined", "Pictures"};
  program.commands = {std::move(paint), std::move(keys)};
  return program;
}

class Pages : public testing::Test {
 protected:
  std::string text;
  bool flag = false;
  const Command program = small_program(text, flag);
};

TEST_F(Pages, CompleteInBashWhatATableHas) {
  const std::string script = bash_completion(program);
  EXPECT_THAT(script, HasSubstr("'') words='--help paint keys' ;;"));
  EXPECT_THAT(script, HasSubstr("' paint') words='--help -f --format --model --side --json' ;;"));
  EXPECT_THAT(script, HasSubstr("' paint --format') words='png jpeg' ;;"));
  EXPECT_THAT(script, HasSubstr("' paint --side') words='1k 2k' ;;"));
  EXPECT_THAT(script, HasSubstr("' keys') words='--help create' ;;"));
  EXPECT_THAT(script, Not(HasSubstr("--fd")));
}

TEST_F(Pages, CompleteInFishWhatATableHas) {
  const std::string script = fish_completion(program);
  EXPECT_THAT(script, HasSubstr("-s f -l format -x -a 'png jpeg' -d 'Format of it'\n"));
  EXPECT_THAT(script, HasSubstr("-a paint -d 'Paint someone'\\''s picture'\n"));
  EXPECT_THAT(script, HasSubstr("-l side -x -a '1k 2k' -d 'Width'\n"));
  EXPECT_THAT(script, Not(HasSubstr("fd")));
}

TEST_F(Pages, AreAManualThatTakesNoTextForARequest) {
  const std::string page = manual_page(program, "1.0");
  EXPECT_THAT(page, HasSubstr(".B \\-f, \\-\\-format TEXT\nFormat of it.\n"));
  EXPECT_THAT(page, HasSubstr("\n\\&.hidden files"));
}

}  // namespace
}  // namespace imagined::cli
