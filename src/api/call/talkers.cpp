#include "api/call/talkers.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <vector>

#include "base/words.h"

namespace imagined::api {
namespace {

std::string talkers_of(const service::Catalogue& catalogue) {
  std::vector<std::string> names;
  for (const service::Talker& talker : catalogue.talkers()) names.push_back(talker.name);
  if (names.empty()) return "models of other servers are named under [upstreams.NAME]";
  std::ranges::sort(names);
  return "from other servers it has " + join_words(names, ", ");
}

}  // namespace

void name_talkers(const service::Catalogue& catalogue, Error& error) {
  if (error.code == ErrorCode::not_found && error.field == "model")
    error.message += "; " + talkers_of(catalogue);
}

Error no_talker(const service::Catalogue& catalogue, std::string_view name) {
  if (catalogue.find(name) != nullptr)
    return {.code = ErrorCode::not_found,
            .message = fmt::format("{:?} makes pictures or videos and is no model that talks; {}",
                                   name, talkers_of(catalogue)),
            .field = "model"};
  return {.code = ErrorCode::not_found,
          .message = fmt::format("there is no model {:?} that talks; {}", name.substr(0, 256),
                                 talkers_of(catalogue)),
          .field = "model"};
}

}  // namespace imagined::api
