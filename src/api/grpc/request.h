// GenerateImageRequest to the domain's checked types.
#pragma once

#include <string_view>

#include "api/wire/edit_request.h"
#include "base/result.h"
#include "service/catalogue/catalogue.h"

namespace xai_api {
class GenerateImageRequest;
}

namespace imagined::api {

/// The same values as `wire::parse_generation_call` reads from JSON, with the same errors, each
/// naming its field; an edit when pictures are given. What has no presence in proto3 and is empty
/// or zero is not given; an enumeration's number that is on no list is `invalid_argument`.
Result<wire::EditCall> read_request(const xai_api::GenerateImageRequest& request,
                                    const service::Catalogue& catalogue);

/// Whether a given picture's text leads to it, and is not the picture itself.
bool is_link(std::string_view text);

}  // namespace imagined::api
