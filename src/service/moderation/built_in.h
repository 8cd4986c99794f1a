// What is refused where no policy says otherwise, above the floor.
#pragma once

#include <string_view>
#include <vector>

#include "service/moderation/lexicon.h"

namespace imagined::service {

/// Sexual content about people who exist. Words know no names: for those a classifier is needed.
inline constexpr std::string_view kRealPeopleCategory = "sexual/real_people";

/// A policy may allow or only flag their category, as any other.
const std::vector<LexicalRule>& built_in_rules();

}  // namespace imagined::service
