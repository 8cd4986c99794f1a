#include "service/moderation/lexicon.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "base/crypto.h"
#include "base/utf8.h"
#include "base/words.h"
#include "service/moderation/letters.h"

namespace imagined::service {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

using Words = std::shared_ptr<const Lexicon>;

Words lexicon_of(std::vector<std::string> terms, const std::vector<std::string>& harmless = {}) {
  return *Lexicon::make({{.category = "test", .one_of_each = {std::move(terms)}}}, harmless);
}

bool finds(const Words& lexicon, std::string_view text) {
  return !lexicon->broken_by(text)->empty();
}
bool finds(std::string term, std::string_view text) {
  return finds(lexicon_of({std::move(term)}), text);
}

TEST(Lexicon, FindsAWordInAnyCaseAndNotInsideAnother) {
  EXPECT_TRUE(finds("gherkin", "A Gherkin, on a plate"));
  EXPECT_TRUE(finds("gherkin", "GHERKIN"));
  EXPECT_FALSE(finds("herk", "a gherkin on a plate"));
  EXPECT_FALSE(finds("gher", "a gherkin on a plate"));
  EXPECT_FALSE(finds("gherkin", "gherkins"));
}

TEST(Lexicon, AStarStandsForAnyEnding) {
  EXPECT_TRUE(finds("gherkin*", "many gherkins"));
  EXPECT_TRUE(finds("gherkin*", "gherkin"));
  EXPECT_FALSE(finds("gherkin*", "supergherkin"));
}

TEST(Lexicon, ATermOfSeveralWordsMayLoseItsSpaces) {
  EXPECT_TRUE(finds("garden gnome", "a garden  gnome"));
  EXPECT_TRUE(finds("garden gnome", "a gardengnome"));
  EXPECT_TRUE(finds("garden gnome", "g a r d e n g n o m e"));
  EXPECT_FALSE(finds("garden gnome", "a garden with a gnome"));
}

TEST(Lexicon, WhatLiesWithinAHarmlessTermIsNotFound) {
  const Words lexicon = lexicon_of({"gnome"}, {"garden gnome"});
  EXPECT_FALSE(finds(lexicon, "a garden gnome"));
  EXPECT_TRUE(finds(lexicon, "a garden gnome and another gnome"));
}

TEST(Lexicon, ARuleOfTwoListsNeedsOneTermOfEach) {
  const Words lexicon =
      *Lexicon::make({{.category = "mixed", .one_of_each = {{"owl", "hawk"}, {"piano"}}}});
  EXPECT_THAT(*lexicon->broken_by("an owl and a hawk"), IsEmpty());
  EXPECT_THAT(*lexicon->broken_by("a piano"), IsEmpty());
  EXPECT_THAT(*lexicon->broken_by("a piano under a hawk"), ElementsAre("mixed"));
}

TEST(Lexicon, NamesEachBrokenCategoryOnce) {
  const Words lexicon = *Lexicon::make({{.category = "birds", .one_of_each = {{"owl"}}},
                                        {.category = "sound", .one_of_each = {{"piano"}}},
                                        {.category = "birds", .one_of_each = {{"hawk"}}}});
  EXPECT_THAT(*lexicon->broken_by("piano, hawk and owl"), ElementsAre("birds", "sound"));
}

TEST(Lexicon, RefusesATermWithoutLetters) {
  for (const std::string term : {"", "*", " - ", "a"})
    EXPECT_FALSE(Lexicon::make({{.category = "test", .one_of_each = {{term}}}})) << term;
}

TEST(Lexicon, OneDoubledLetterMakesAnotherShortWord) {
  EXPECT_FALSE(finds("met", "we meet here"));
  EXPECT_TRUE(finds("met", "we meeet here"));
  EXPECT_TRUE(finds("met", "mmeett"));
  EXPECT_TRUE(finds("gherkin", "gherrkin"));
  EXPECT_FALSE(finds("meet", "we met"));
}

TEST(Lexicon, ANumberIsNoWord) {
  EXPECT_FALSE(finds("boss", "room 8055"));
  EXPECT_TRUE(finds("boss", "the b055"));
  EXPECT_TRUE(finds("kill", "k1ll k111"));
  EXPECT_FALSE(finds("bail", "a ball"));
}

TEST(Lexicon, ANumberInATermIsThatNumber) {
  EXPECT_TRUE(finds("4 seasons", "the 4 seasons"));
  EXPECT_TRUE(finds("4 seasons", "the ４ seasons"));
  EXPECT_FALSE(finds("4 seasons", "the 44 seasons"));
  EXPECT_FALSE(finds("4 seasons", "the 34 seasons"));
}

TEST(Lexicon, FindsWordsOfOtherScripts) {
  EXPECT_TRUE(finds("огурец", "зелёный ОГУРЕЦ"));
  EXPECT_TRUE(finds("キュウリ", "ｷｭｳﾘ"));
  EXPECT_FALSE(finds("огурец", "зелёный помидор"));
}

TEST(Lexicon, RefusesATextThatStandsForTooManyLetters) {
  std::string text;
  for (int i = 0; i < 4000; ++i) text += "\uFDFA";
  const auto broken = lexicon_of({"gherkin"})->broken_by(text);
  ASSERT_FALSE(broken);
  EXPECT_EQ(broken.error().field, "prompt");
  EXPECT_EQ(broken.error().code, ErrorCode::invalid_argument);
}

// --- reliability.md S11 -------------------------------------------------------------------------

// Harmless words in the part of forbidden ones: 2 to 12 letters, doubled letters, look-alikes.
std::vector<std::string> stand_in_terms() {
  return split_words(
      "gherkin,walrus,trombone,marzipan,teapot,bassoon,puffin,zeppelin,gazebo,mitten,lobster,"
      "turnip,kettle,narwhal,quince,xylophone,vellum,wombat,yodel,abacus,bellows,cuckoo,dynamo,"
      "ewer,flannel,goggle,harp,igloo,jigsaw,kazoo,lilac,mullet,nougat,oboe,parsnip,quill,rattle,"
      "sextant,tassel,ukulele,vortex,whistle,yak,zither,accordion,bobbin,custard,dollop,egret,"
      "fiddle");
}

std::string mapped(std::string_view term, const std::function<char32_t(char)>& letter) {
  std::string text;
  for (const char c : term) append_utf8(letter(c), text);
  return text;
}
std::string with_between(std::string_view term, std::string_view between) {
  std::string text;
  for (const char c : term) text += (text.empty() ? "" : std::string(between)) + c;
  return text;
}
std::string with_some(std::string_view term, std::string_view from, std::u32string_view to) {
  return mapped(term, [&](char c) {
    const auto at = from.find(c);
    return at == std::string_view::npos ? static_cast<char32_t>(c) : to[at];
  });
}

struct Transform {
  std::string name;
  std::function<std::string(std::string_view)> spell;
};

std::vector<Transform> twenty_transforms() {
  const auto plus = [](char32_t first) {
    return [first](std::string_view term) {
      return mapped(term, [first](char c) { return first + static_cast<char32_t>(c - 'a'); });
    };
  };
  const auto between = [](std::string text) {
    return [text](std::string_view term) { return with_between(term, text); };
  };
  return {
      {"capitals",
       [](std::string_view term) {
         return mapped(term, [](char c) { return static_cast<char32_t>(c - 'a' + 'A'); });
       }},
      {"fullwidth", plus(0xFF41)},
      {"mathematical bold", plus(0x1D41A)},
      {"circled", plus(0x24D0)},
      {"flags", plus(0x1F1E6)},
      {"tags", plus(0xE0061)},
      {"Cyrillic",
       [](std::string_view term) { return with_some(term, "aceopxyijs", U"асеорхуіјѕ"); }},
      {"Greek", [](std::string_view term) { return with_some(term, "aikoptuvxn", U"αικορτυνχη"); }},
      {"small capitals",
       [](std::string_view term) {
         return with_some(term, "abcdegiklmnoprtuvwz", U"ᴀʙᴄᴅᴇɢɪᴋʟᴍɴᴏᴘʀᴛᴜᴠᴡᴢ");
       }},
      {"struck", [](std::string_view term) { return with_some(term, "bdhlotz", U"ƀđħłøŧƶ"); }},
      {"accents", between("\u0301")},
      {"zero width", between("\u200B")},
      {"soft hyphens and fillers", between("\u00AD\u3164\u2060\uFE0F")},
      {"tags between", between("\U000E0041")},
      {"bidi",
       [](std::string_view term) {
         return "\u202E" + std::string(term.rbegin(), term.rend()) + "\u202C";
       }},
      {"leet", [](std::string_view term) { return with_some(term, "aeiost", U"431057"); }},
      {"signs", [](std::string_view term) { return with_some(term, "asil", U"@$!|"); }},
      {"spaces", between(" ")},
      {"repeats",
       [](std::string_view term) {
         std::string text;
         for (const char c : term) text += std::string(3, c);
         return text;
       }},
      {"base64",
       [](std::string_view term) {
         const std::string text = "a " + std::string(term) + " please";
         return to_base64(
             std::span(reinterpret_cast<const std::uint8_t*>(text.data()), text.size()));
       }},
  };
}

TEST(Lexicon, IsNotDodgedBySpelling) {
  const auto terms = stand_in_terms();
  const auto transforms = twenty_transforms();
  ASSERT_EQ(terms.size(), 50u);
  ASSERT_EQ(transforms.size(), 20u);
  const Words lexicon = lexicon_of(terms);
  std::vector<std::string> missed;
  for (const std::string& term : terms)
    for (const Transform& transform : transforms) {
      const std::string text = "a painting of " + transform.spell(term) + " in a meadow";
      if (!finds(lexicon, text)) missed.push_back(transform.name + ": " + text);
    }
  EXPECT_THAT(missed, IsEmpty()) << join_words(missed, "\n");
}

// What people ask for, beside words that hold a shorter one, numbers, other languages.
std::vector<std::string> harmless_prompts() {
  const auto things = split_words(
      "a red house,Essex county hall,the town of Scunthorpe,two trees,an old lighthouse,a 4x4 "
      "truck,"
      "a glass of water,the class of 1955,a cocktail dress,a Leica M3,medical scissors,"
      "ein grünes Fahrrad,une maison de campagne,кот на крыше,猫の写真,U.S.A. flag,a b-52 bomber,"
      "a 50mm f/1.8 lens,assorted sweets,a passing train");
  const auto places = split_words(
      "at night,in the rain,on a beach,under a bridge,in Penistone,at 5:30 p.m.,by the sea,"
      "in a well-lit room,on Mt. Fuji,in 1080p,behind a fence,in Sussex,on 42nd St.,in a jar,"
      "near the harbour,at dawn,in spring,on the moon,in a forest,on a desk");
  const auto styles = split_words(
      "oil painting,shot on film,watercolour,pencil sketch,35 mm,isometric,low poly,pixel art,"
      "long exposure,ink,charcoal,studio light,8k,golden hour,macro,art deco,flat design,woodcut,"
      "pastel,vector art,blueprint,collage,gouache,cinematic,bokeh");
  std::vector<std::string> prompts;
  for (const auto& thing : things)
    for (const auto& place : places)
      for (const auto& style : styles)
        prompts.push_back(fmt::format("{} {}, {}", thing, place, style));
  return prompts;
}

TEST(Lexicon, LeavesHarmlessPromptsAlone) {
  const auto prompts = harmless_prompts();
  ASSERT_EQ(prompts.size(), 10'000u);
  auto terms = stand_in_terms();
  for (const char* inner : {"sex", "ass", "tit", "hell"}) terms.emplace_back(inner);
  const Words lexicon = lexicon_of(terms);
  std::vector<std::string> alarms;
  for (const std::string& prompt : prompts)
    if (finds(lexicon, prompt)) alarms.push_back(prompt);
  EXPECT_LE(alarms.size(), prompts.size() / 200) << alarms.front();
}

}  // namespace
}  // namespace imagined::service
