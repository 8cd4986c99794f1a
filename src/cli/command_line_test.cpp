#include "cli/command_line.h"

#include <gtest/gtest.h>

namespace imagined::cli {
namespace {

// A program with one command that has an option of every kind, and one with commands of its own.
class CommandLine : public testing::Test {
 protected:
  CommandLine() {
    Command paint{"paint", "Paint a picture"};
    paint.options = {
        {"prompt", &prompt, "What to show", {.required = true}},
        {"-o,--output", &output, "File to write", {.value_name = "FILE"}},
        {"-n,--count", &count, "Pictures", {.min = 1, .max = 10}},
        {"--seed", &seed, "Same seed, same picture"},
        {"--guidance", &guidance, "How closely", {.min = 0, .max = 100}},
        {"--image", &images, "Reference", {.times_max = 2}},
        {"--precision", &precision, "Arithmetic", {.choices = {"f32", "bf16"}}},
        {"--json", &json, "As JSON"},
        {"--http-listen",
         [this](const std::string& text) { listen = text; },
         "Where",
         {},
         OptionGroup::settings},
        {"--strict",
         [this](const std::string& text) { strict = text; },
         "How",
         {.if_bare = "true"},
         OptionGroup::settings},
        {"--fd", &fd, "Not for people", {}, OptionGroup::hidden},
    };
    paint.exclusive = {{"--seed", "--json"}, {"prompt", "--fd"}};
    Command keys{"keys", "Keys"};
    keys.commands = {{"create", "Make a key"}, {"delete", "Delete a key"}};
    program.commands = {std::move(paint), std::move(keys)};
  }

  Result<CommandCall> parse(std::vector<std::string> words) {
    return parse_command_line(program, words);
  }
  std::string error(std::vector<std::string> words) {
    const auto call = parse(std::move(words));
    return call ? "none" : call.error().message;
  }

  Command program{"imagined", "Pictures"};
  std::string prompt, output, listen, strict, precision = "f32";
  int count = 1, fd = -1;
  std::optional<std::uint64_t> seed;
  std::optional<float> guidance;
  std::vector<std::string> images;
  bool json = false;
};

TEST_F(CommandLine, LetsAnOptionStandBareThatHasAValueForIt) {
  ASSERT_TRUE(parse({"paint", "--strict", "a house"}));
  EXPECT_EQ(strict, "true");
  EXPECT_EQ(prompt, "a house");
  ASSERT_TRUE(parse({"paint", "--strict=false", "a house"}));
  EXPECT_EQ(strict, "false");
}

TEST_F(CommandLine, FillsTheTargetsOfEveryKindOfOption) {
  const auto call = parse({"paint", "a house", "-o", "x.png", "--count=3", "--seed",
                           "18446744073709551615", "--guidance", "2.5", "--image", "a", "--image",
                           "b", "--precision", "bf16", "--http-listen", ":1"});
  ASSERT_TRUE(call) << call.error().message;
  EXPECT_EQ(call->wants, CommandCall::Wants::run);
  EXPECT_EQ(call->path.back()->name, "paint");
  EXPECT_EQ(prompt, "a house");
  EXPECT_EQ(output, "x.png");
  EXPECT_EQ(count, 3);
  EXPECT_EQ(seed, UINT64_MAX);
  EXPECT_EQ(guidance, 2.5f);
  EXPECT_EQ(images, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(precision, "bf16");
  EXPECT_EQ(listen, ":1");
  ASSERT_TRUE(parse({"paint", "x", "--json"}));
  EXPECT_TRUE(json);
}

TEST_F(CommandLine, RefusesByNameWhatMeansNothingTogether) {
  EXPECT_EQ(error({"paint", "x", "--json", "--seed", "1"}),
            "--seed and --json: give one of them alone");
  EXPECT_EQ(error({"paint", "x", "--fd=7"}), "prompt and --fd: give one of them alone");
}

TEST_F(CommandLine, TakesTheValueOfALetterWithAndWithoutSpace) {
  ASSERT_TRUE(parse({"paint", "x", "-n4", "-o=y.png"}));
  EXPECT_EQ(count, 4);
  EXPECT_EQ(output, "y.png");
}

TEST_F(CommandLine, TakesAHyphenAndWhatFollowsTwoHyphensAsArguments) {
  ASSERT_TRUE(parse({"paint", "-"}));
  EXPECT_EQ(prompt, "-");
  ASSERT_TRUE(parse({"paint", "--", "--json"}));
  EXPECT_EQ(prompt, "--json");
  EXPECT_FALSE(json);
}

TEST_F(CommandLine, NamesTheWrongCommandAndTheNearestOne) {
  EXPECT_EQ(error({"pain", "x"}), "there is no command \"imagined pain\"; did you mean \"paint\"?");
  EXPECT_EQ(error({"keys", "remove"}), "there is no command \"imagined keys remove\"");
  EXPECT_EQ(error({"keys", "create", "x"}), "unexpected argument \"x\"");
}

TEST_F(CommandLine, SaysWhichCommandsThereAreWhenNoneIsNamed) {
  EXPECT_EQ(error({}), "a command is missing after \"imagined\": one of paint, keys");
  EXPECT_EQ(error({"keys"}), "a command is missing after \"imagined keys\": one of create, delete");
}

TEST_F(CommandLine, NamesTheWrongOptionAndTheNearestOne) {
  EXPECT_EQ(error({"paint", "x", "--precison", "f32"}),
            "there is no option --precison in \"imagined paint\"; did you mean \"--precision\"?");
  EXPECT_EQ(error({"--json", "paint"}),
            "--json: options stand behind the command; \"imagined --help\" lists the commands");
}

TEST_F(CommandLine, NamesTheOptionsThatEveryCommandHas) {
  EXPECT_EQ(error({"--verison"}),
            "there is no option --verison in \"imagined\"; did you mean \"--version\"?");
  EXPECT_EQ(error({"keys", "--hlep"}),
            "there is no option --hlep in \"imagined keys\"; did you mean \"--help\"?");
  EXPECT_EQ(error({"paint", "x", "--hepl"}),
            "there is no option --hepl in \"imagined paint\"; did you mean \"--help\"?");
}

TEST_F(CommandLine, KnowsWhatOtherProgramsCallAnOption) {
  EXPECT_EQ(error({"paint", "x", "--port", "80"}),
            "there is no option --port in \"imagined paint\"; use --http-listen 127.0.0.1:PORT");
}

TEST_F(CommandLine, AsksForQuotesAroundAPromptOfSeveralWords) {
  EXPECT_EQ(error({"paint", "a", "red", "house"}),
            "unexpected argument \"red\"; put the whole prompt in quotes");
}

TEST_F(CommandLine, RefusesValuesOutsideWhatIsAllowed) {
  EXPECT_EQ(error({"paint", "x", "-n", "11"}),
            "--count: expected a whole number from 1 to 10, got \"11\"");
  EXPECT_EQ(error({"paint", "x", "-n", "1.5"}),
            "--count: expected a whole number from 1 to 10, got \"1.5\"");
  EXPECT_EQ(error({"paint", "x", "--seed", "-1"}), "--seed: expected a whole number, got \"-1\"");
  EXPECT_EQ(error({"paint", "x", "--guidance", "nan"}),
            "--guidance: expected a number from 0 to 100, got \"nan\"");
  EXPECT_EQ(error({"paint", "x", "--precision", "f64"}),
            "--precision: expected one of f32, bf16, got \"f64\"");
  EXPECT_EQ(error({"paint", "x", "--json=yes"}), "--json takes no value");
}

TEST_F(CommandLine, RefusesWhatIsMissingOrGivenTooOften) {
  EXPECT_EQ(error({"paint"}), "prompt is missing: What to show");
  EXPECT_EQ(error({"paint", "x", "-o"}), "-o: its value is missing");
  EXPECT_EQ(error({"paint", "x", "-n1", "--count", "2"}), "--count: given twice");
  EXPECT_EQ(error({"paint", "x", "--image", "a", "--image", "b", "--image", "c"}),
            "--image: at most 2 are taken, got 3");
}

TEST_F(CommandLine, HelpIsAskedForAnywhereAndByItsOwnCommand) {
  for (const auto& words : std::vector<std::vector<std::string>>{
           {"paint", "--help"}, {"paint", "x", "-h"}, {"help", "paint"}}) {
    const auto call = parse(words);
    ASSERT_TRUE(call) << call.error().message;
    EXPECT_EQ(call->wants, CommandCall::Wants::help);
    EXPECT_EQ(call->path.back()->name, "paint");
  }
  EXPECT_EQ(parse({"help"})->path.size(), 1u);
  EXPECT_EQ(parse({"help", "keys", "create"})->path.back()->name, "create");
  EXPECT_EQ(parse({"--version"})->wants, CommandCall::Wants::version);
}

TEST_F(CommandLine, HelpShowsFormsDefaultsAndLimitsAndHidesTheHidden) {
  const std::string text = help_text(parse({"help", "paint"})->path);
  EXPECT_NE(text.find("Usage: imagined paint PROMPT [OPTION...]\n"), std::string::npos) << text;
  EXPECT_NE(text.find("  -o, --output FILE           File to write\n"), std::string::npos) << text;
  EXPECT_NE(text.find("Pictures; a whole number from 1 to 10 [1]\n"), std::string::npos) << text;
  EXPECT_NE(text.find("\nSettings:\n  --http-listen TEXT          Where\n"), std::string::npos);
  EXPECT_EQ(text.find("--fd"), std::string::npos);
}

}  // namespace
}  // namespace imagined::cli
