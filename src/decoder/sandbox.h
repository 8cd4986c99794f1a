#pragma once

#include "base/result.h"

namespace imagined::decoder {

/// Gives up, for good, what decoding a picture does not need: other descriptors than `socket`, the
/// user's rights, new processes, files, the network, memory above 1.5 GiB, a minute of processor
/// time. Any other system call than reading requests, answering, and memory that holds no code ends
/// the process. In a build with sanitizers the calls and the memory stay as they are, for these
/// need more of both.
Result<void> enter_sandbox(int socket);

}  // namespace imagined::decoder
