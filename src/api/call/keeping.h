// Pictures that a call wants to have kept as files, too.
#pragma once

#include "api/call/call.h"
#include "service/files/file_service.h"
#include "service/pictures/image_service.h"

namespace imagined::api {

/// Refuses, before anything is made, files that could not be kept; a field of
/// "storage_options".
Result<void> check_storage(const CallContext& context, const Call& call,
                           const service::FileWish& wish);

/// The bytes are there already: a file is one more name for them. The same one, when the order is
/// asked for again. Blocks.
Result<service::StoredFile> keep_as_file(const CallContext& context, const Call& call,
                                         const service::FileWish& wish,
                                         const service::FinishedPictures& finished,
                                         const service::StoredPicture& picture);

}  // namespace imagined::api
