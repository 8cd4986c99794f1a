#pragma once

namespace imagined {

/// For libraries of C, where a call that was right can only have been short of memory: throws
/// `std::bad_alloc` then, as everything else does that gets none.
void expect_memory(bool was_there);

}  // namespace imagined
