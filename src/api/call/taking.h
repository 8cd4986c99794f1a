// The pictures that a call gives.
#pragma once

#include <functional>
#include <optional>
#include <string_view>

#include "api/call/call.h"
#include "api/wire/edit_request.h"
#include "service/pictures/edit_request.h"

namespace imagined::api {

/// What stands behind the base of a URL that leads to this server: "/v1/files/img/..."; none for a
/// URL of others.
using OwnTarget = std::function<std::optional<std::string_view>(std::string_view url)>;

/// The edit with the blobs of its pictures: those behind URLs are fetched, of files and of pictures
/// that were made here the blob is there. An error names its picture ("image 2"). Blocks.
Result<service::EditRequest> take_pictures(const CallContext& context, const Call& call,
                                           const wire::EditCall& wanted, OwnTarget own_target);

}  // namespace imagined::api
