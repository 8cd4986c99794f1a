#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "service/catalogue/abilities.h"

namespace imagined::service {

/// Whether there is somebody to do the work. Thread-safe, does not block.
class WorkerPool {
 public:
  virtual ~WorkerPool() = default;
  /// A worker has loaded its models.
  virtual bool is_ready() const = 0;
  /// A job for this model may be queued: a worker has the model, or will soon have it again.
  virtual bool accepts(std::string_view model_id) const = 0;
  /// Worker processes that were started so far.
  virtual std::int64_t starts() const { return 0; }
  /// What the workers hold of the machine's memory; 0: not known.
  virtual std::int64_t memory_bytes() const { return 0; }
  /// What the last worker has told of a model; none: no worker of ours has spoken of it yet.
  virtual std::optional<ModelReport> report(std::string_view) const { return std::nullopt; }
};

}  // namespace imagined::service
