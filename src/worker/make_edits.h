#pragma once

#include "worker/making.h"

namespace imagined::worker {

/// Pictures from a prompt and given pictures. The error of one that is given names it ("image 2").
Result<> make_edits(const Making& making);

}  // namespace imagined::worker
