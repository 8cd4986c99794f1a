// Which models talk, for whoever asked for another.
#pragma once

#include <string_view>

#include "base/result.h"
#include "service/catalogue/catalogue.h"

namespace imagined::api {

/// Adds to what was said of an unknown model (`not_found`, field "model") those that talk; other
/// errors stay as they are.
void name_talkers(const service::Catalogue& catalogue, Error& error);

/// That no model of this name talks, with those that do.
Error no_talker(const service::Catalogue& catalogue, std::string_view name);

}  // namespace imagined::api
