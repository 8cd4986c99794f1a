#pragma once

#include "worker/making.h"

namespace imagined::worker {

/// Pictures from a prompt; their seeds count up from the one that was given.
Result<> make_pictures(const Making& making);

}  // namespace imagined::worker
