#pragma once

#include <string_view>

#include "base/result.h"
#include "service/ports/archive.h"

namespace imagined::service {

/// The same for one that never was, is gone, or is another team's.
tl::unexpected<Error> no_such_picture(std::string_view picture_id);

/// `not_found` as above.
Result<StoredPicture> find_picture(Archive& archive, std::string_view picture_id);

}  // namespace imagined::service
