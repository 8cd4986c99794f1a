#include "service/moderation/letters.h"

#include <utf8proc.h>

#include <array>
#include <unordered_map>

namespace imagined::service {
namespace {

struct LookAlikes {
  char32_t letter;
  std::u32string_view like_it;
};

// Small letters (capitals are folded first) of other scripts, turned and struck ones, that a reader
// takes for the letter. After UTS 39, chosen by eye and wider than it: what is confused here costs
// a word found in another script's word at worst, and that word must be on somebody's list.
constexpr LookAlikes kLookAlikes[] = {
    {U'a', U"αаɑᎪꓮⲁӕɐᴀᶏⱥ"},
    {U'b', U"вβьбᏏᏴꓐⲃҍƀƃɓʙᵬᶀꞗ"},
    {U'c', U"сⲥᏟꓚҫƈȼɕᴄↄꜿꞓꞔ"},
    {U'd', U"ԁᎠꓓԃđƌȡɖɗᴅᵭᶁᶑꟈ"},
    {U'e', U"еєεҽᎬꓰⲉǝɇɘɛᴇᶒᶓⱸꬴ"},
    {U'f', U"ғϝꓝքƒᵮᶂꜰꞙ"},
    {U'g', U"ցᏀꓖԍǥɠɡɢᵷᶃꞡꬶ"},
    {U'h', U"һнհᏂᎻꓧⲏԋңӊħɥɦʜʮʯⱨꞕ"},
    {U'i', U"іιᎥⲓꓲɩıɨɪᴉᶖ"},
    {U'j', U"јϳյᎫꓙȷɉɟʄʝᴊ"},
    {U'k', U"кκᏦꓗⲕқӄҡҝϗƙʞᴋᶄⱪꝁꝃꝅꞣ"},
    {U'l', U"ӏᏞꓡⳑլǀłƚȴɫɬɭʟᶅⱡꝉꞁꞎꬷꬸꬹ"},
    {U'm', U"мᎷꓟⲙϻӎɯɰɱᴍᵯᶆꬺ"},
    {U'n', U"пπηոռꓠⲛиƞȵɲɳɴᵰᶇꞑꞥꬻ"},
    {U'o',
     U"оοσօꓳⲟөѳθᎾഠဝ०০੦૦௦౦೦൦๐໐០øɔᴏᴑᴓᶗⱺꝋꝍꬿ"},
    {U'p', U"рρᏢꓑⲣҏþƥᴘᵱᵽᶈꝑꝓꝕ"},
    {U'q', U"ԛգզϙɋʠꝗꝙꞯ"},
    {U'r', U"гᴦᏒᎡꓣяⲅґɍɹɺɻɼɽɾɿʀᵲᵳᶉⱹꞧꭉꭋꭌꭨ"},
    {U's', U"ѕᏚꓢȿʂᵴᶊꜱꞩꟊ"},
    {U't', U"тτᎢꓔⲧҭŧƫƭȶʇʈᴛᵵⱦ"},
    {U'u', U"υսμцꓴᴜᴝᶙꞹꭎꭒ"},
    {U'v', U"ѵνᏙꓦʋʌᴠᶌⱱⱴꝟ"},
    {U'w', U"ωшщѡԝᏔꓪաⲱʍᴡⱳ"},
    {U'x', U"хχꓫⲭҳӽᶍꭖꭗꭘꭙ"},
    {U'y', U"уγᎩᎽꓬүұⲩყƴɏʎʏỿꭚ"},
    {U'z', U"Ꮓꓜⲍζշʒʓӡƶȥɀʐʑᴢᵶᶎⱬ"},
};

// Letters in frames and of flags, each alphabet in order.
constexpr char32_t kFramedAlphabets[] = {0x1F150, 0x1F170, 0x1F1E6};

struct StandIn {
  char32_t sign;
  std::u32string_view letters;
};
constexpr StandIn kStandIns[] = {
    {U'0', U"o"}, {U'1', U"il"}, {U'2', U"z"}, {U'3', U"e"},  {U'4', U"a"},
    {U'5', U"s"}, {U'6', U"b"},  {U'7', U"t"}, {U'8', U"b"},  {U'9', U"gq"},
    {U'@', U"a"}, {U'$', U"s"},  {U'!', U"i"}, {U'|', U"il"}, {U'+', U"t"},
};

std::u32string_view letters_of(char32_t sign) {
  for (const StandIn& row : kStandIns)
    if (row.sign == sign) return row.letters;
  return {};
}

const std::unordered_map<char32_t, char32_t>& look_alikes() {
  static const auto* const kMap = [] {
    auto* map = new std::unordered_map<char32_t, char32_t>;
    for (const LookAlikes& row : kLookAlikes)
      for (const char32_t like : row.like_it) map->emplace(like, row.letter);
    for (const char32_t first : kFramedAlphabets)
      for (char32_t i = 0; i < 26; ++i) map->emplace(first + i, U'a' + i);
    return map;
  }();
  return *kMap;
}

utf8proc_category_t category_of(char32_t c) {
  return utf8proc_category(static_cast<utf8proc_int32_t>(c));
}

bool is_mark(char32_t c) {
  const auto category = category_of(c);
  return category == UTF8PROC_CATEGORY_MN || category == UTF8PROC_CATEGORY_ME;
}

bool is_ascii_letter(char32_t c) { return c >= U'a' && c <= U'z'; }

}  // namespace

void append_letters(char32_t character, std::u32string& letters) {
  if (character < 0x80) {
    const bool capital = character >= U'A' && character <= U'Z';
    letters += capital ? character - U'A' + U'a' : character;
    return;
  }
  constexpr auto kOptions = static_cast<utf8proc_option_t>(UTF8PROC_DECOMPOSE | UTF8PROC_COMPAT |
                                                           UTF8PROC_CASEFOLD | UTF8PROC_IGNORE);
  std::array<utf8proc_int32_t, 32> parts{};  // U+FDFA, the longest, has 18
  int boundary_class = 0;
  const utf8proc_ssize_t count = utf8proc_decompose_char(
      static_cast<utf8proc_int32_t>(character), parts.data(),
      static_cast<utf8proc_ssize_t>(parts.size()), kOptions, &boundary_class);
  for (utf8proc_ssize_t i = 0; i < count; ++i) {
    const auto part = static_cast<char32_t>(parts[static_cast<std::size_t>(i)]);
    if (is_mark(part) && !letters.empty() && is_ascii_letter(letters.back())) continue;
    const auto like = look_alikes().find(part);
    letters += like == look_alikes().end() ? part : like->second;
  }
}

bool is_of_a_word(char32_t letter) {
  if (letter < 0x80)
    return is_ascii_letter(letter) || (letter >= U'0' && letter <= U'9') || is_stand_in(letter);
  switch (category_of(letter)) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_MC:
    case UTF8PROC_CATEGORY_ME:
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_NO:
      return true;
    default:
      return false;
  }
}

bool is_stand_in(char32_t letter) { return !letters_of(letter).empty(); }

bool may_mean(char32_t written, char32_t letter) {
  return written == letter || letters_of(written).find(letter) != std::u32string_view::npos;
}

char32_t family_of(char32_t letter) {
  if (letter == U'l') return U'i';  // both are written 1
  if (letter == U'q') return U'g';
  const std::u32string_view letters = letters_of(letter);
  return letters.empty() ? letter : family_of(letters.front());
}

}  // namespace imagined::service
