// Memory that the system refuses is the world's failure, not ours.
#pragma once

#include <new>

#include "base/result.h"

namespace imagined::engine {

/// Runs `work`, which returns a Result; `resource_exhausted` where it could not get memory.
template <class Work>
auto without_bad_alloc(const Work& work) -> decltype(work()) {
  try {
    return work();
  } catch (const std::bad_alloc&) {
    return fail(ErrorCode::resource_exhausted, "not enough memory for this model or picture");
  }
}

}  // namespace imagined::engine
