#include "service/moderation/built_in.h"

#include <string>

#include "base/words.h"
#include "service/moderation/floor.h"

namespace imagined::service {
namespace {

constexpr std::string_view kRealPeople =
    "celebrit*,celeb,celebs,famous actor*,famous actress*,famous singer*,famous model*,famous "
    "athlete*,famous person,famous people,famous woman,famous women,famous man,famous men,movie "
    "star*,film star*,pop star*,rock star*,tv star*,influencer*,politician*,prime minister*,the "
    "president,president of,first lady,royal family,real person,real people,real woman,real "
    "women,real man,real men,my ex,my girlfriend*,my boyfriend*,my wife,my husband,my sister*,my "
    "brother*,my mother,my mom,my mum,my father,my dad,my boss,my neighbour*,my neighbor*,my "
    "coworker*,my colleague*,my classmate*,my teacher*,my student*,my friend*,my crush,deepfake*,"
    "face swap*,without her consent,without his consent,without their consent";
constexpr std::string_view kUndressing =
    "nudify*,deepnude*,remove her clothes,remove his clothes,remove their clothes,remove her "
    "clothing,remove his clothing,remove their clothing,take off her clothes,take off his clothes,"
    "take off their clothes";

std::vector<LexicalRule> make_built_in_rules() {
  const std::string category(kRealPeopleCategory);
  return {{category, {split_words(kRealPeople), sexual_terms()}},
          {category, {split_words(kUndressing)}}};
}

}  // namespace

const std::vector<LexicalRule>& built_in_rules() {
  static const std::vector<LexicalRule> kRules = make_built_in_rules();
  return kRules;
}

}  // namespace imagined::service
