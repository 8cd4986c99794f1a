#pragma once

#include "worker/making.h"

namespace imagined::worker {

/// A clip: of a prompt and perhaps a first picture, behind a given video, or of one that is drawn
/// anew. Nothing is handed in before its end, so it may be made again from the beginning.
Result<> make_videos(const Making& making);

}  // namespace imagined::worker
