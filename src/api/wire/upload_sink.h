#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace imagined::api::wire {

/// Where the bytes of files go that come within a body: one file after the other. An error ends the
/// reading of the body and is its reply.
class UploadSink {
 public:
  virtual ~UploadSink() = default;
  virtual Result<void> begin() = 0;
  virtual Result<void> upload(std::string_view bytes) = 0;
  /// The name of what was taken.
  virtual Result<std::string> end() = 0;
};

}  // namespace imagined::api::wire
