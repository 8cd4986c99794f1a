#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace imagined::service {

struct JobEvent {
  enum class Kind : std::uint8_t { progress, preview, finished };
  Kind kind = Kind::finished;
  std::string job_id;
  int picture = 0;   // progress, preview: index of the picture in work
  int step = 0;      // progress: finished steps of it
  int steps = 0;     // progress: all its steps
  int number = 0;    // preview: how many of the same picture came before
  int width = 0;     // preview, pixels
  int height = 0;    // preview, pixels
  std::string blob;  // preview: its file, which is kept for an hour or so
};

/// A subscription lasts as long as this object. After its destructor the callback neither runs nor
/// will run (unless the destructor was called from within it).
class Subscription {
 public:
  Subscription() = default;
  explicit Subscription(std::shared_ptr<void> guard) : guard_(std::move(guard)) {}

 private:
  std::shared_ptr<void> guard_;
};

/// Tells who waits for a job that something happened. Only a doorbell: what the database says is
/// the truth, an event may be lost, so a waiter looks at the job once after it subscribed, and
/// again every second or so.
class JobEvents {
 public:
  using Callback = std::function<void(const JobEvent&)>;

  virtual ~JobEvents() = default;
  /// Calls the callbacks of this job from the calling thread; they must not block.
  virtual void publish(const JobEvent& event) = 0;
  virtual Subscription subscribe(std::string_view job_id, Callback callback) = 0;
  /// The last progress that was told of a job which has not ended; none: of this one nothing was.
  virtual std::optional<JobEvent> progress_of(std::string_view) { return std::nullopt; }
};

}  // namespace imagined::service
