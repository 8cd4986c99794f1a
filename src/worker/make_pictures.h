#pragma once

#include "service/pictures/picture_request.h"
#include "worker/making.h"

namespace imagined::worker {

/// Pictures from a prompt.
Result<> make_pictures(const Making& making);

/// The pictures that are wanted, out of references too; their seeds count up from the one that was
/// given.
Result<> make_wanted(const Making& making, const service::PictureRequest& wanted,
                     std::vector<image::Picture> references);

}  // namespace imagined::worker
