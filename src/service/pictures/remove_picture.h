#pragma once

#include <string_view>

#include "base/clock.h"
#include "base/result.h"
#include "service/ports/archive.h"
#include "service/ports/blob_store.h"

namespace imagined::service {

/// Removes a picture at once, and its bytes with it unless another picture has the same, or a job
/// that runs may be about to have them: then the sweep removes them. `not_found`.
Result<void> remove_picture(Archive& archive, BlobStore& blobs, const Clock& clock,
                            std::string_view picture_id);

}  // namespace imagined::service
