#include "service/moderation/floor.h"

#include <fmt/format.h>

#include "base/check.h"
#include "base/words.h"

namespace imagined::service {
namespace {

constexpr std::string_view kYoung =
    "child,children,kid,kids,toddler*,infant*,preteen*,pre teen*,underage,under age,schoolgirl*,"
    "schoolboy*,little girl*,little boy*,young girl*,young boy*,minor girl*,minor "
    "boy*,loli*,shota*";
constexpr std::string_view kSexual =
    "nude*,naked,nudity,topless,undress*,without clothes,no clothes,nsfw,sex,sexy,sexual*,erotic*,"
    "porn*,hentai,fetish*,orgasm*,genital*,penis,vagina";
constexpr std::string_view kAlone = "child porn*,csam,lolicon*,shotacon*";

std::shared_ptr<const Lexicon> make_floor() {
  std::vector<std::string> young = split_words(kYoung);
  for (int age = 1; age < 18; ++age)
    for (const char* form : {"{} year old*", "{} years old", "{}yo"})
      young.push_back(fmt::format(fmt::runtime(form), age));
  const std::string category(kFloorCategory);
  std::vector<LexicalRule> rules;
  rules.push_back({category, {std::move(young), sexual_terms()}});
  rules.push_back({category, {split_words(kAlone)}});
  auto lexicon = Lexicon::make(std::move(rules));
  CHECK(lexicon, "the floor's words are terms");
  return *lexicon;
}

}  // namespace

std::vector<std::string> sexual_terms() { return split_words(kSexual); }

const Lexicon& floor_lexicon() {
  static const std::shared_ptr<const Lexicon> kFloor = make_floor();
  return *kFloor;
}

}  // namespace imagined::service
