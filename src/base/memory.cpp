#include "base/memory.h"

#include <new>

namespace imagined {

void expect_memory(bool was_there) {
  if (!was_there) throw std::bad_alloc();
}

}  // namespace imagined
