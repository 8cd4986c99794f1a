// The wire between the server and one worker process: a socketpair that carries short lines of
// text. It only wakes and reports; a lost line costs a second, never a job, for the database is the
// truth.
//
//   server -> worker   job                                    there is work
//                      cancel <job>                           stop if you are at it
//   worker -> server   model <name> <references> <masks> <guidance> <its default>
//                            <frames a second of clips>
//                                                             it is loaded, and takes these
//                      unloadable <name>                      it is not, and will not be
//                      ready <worker id>                      no more of them will come
//                      progress <job> <picture> <step> <steps>
//                      preview <job> <picture> <number> <width> <height> <blob>
//                      finished <job>                         look at the row
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "base/result.h"
#include "service/catalogue/abilities.h"
#include "service/ports/job_events.h"

namespace imagined::worker {

struct Message {
  enum class Kind : std::uint8_t { job, cancel, model, ready, progress, preview, finished };
  Kind kind = Kind::job;
  std::string job_id;           // cancel, progress, preview, finished
  int picture = 0;              // progress, preview
  int step = 0;                 // progress
  int steps = 0;                // progress
  int number = 0;               // preview
  int width = 0;                // preview
  int height = 0;               // preview
  std::string blob;             // preview
  service::ModelReport report;  // model
  std::string worker_id;        // ready

  bool operator==(const Message&) const = default;
};

/// One line without its end.
std::string format_message(const Message& message);
/// `invalid_argument` for a line that is not of this wire; the reader logs and skips it.
Result<Message> parse_message(std::string_view line);

/// One end of the wire. `send` from any thread; `receive` from one.
class Wire {
 public:
  /// Takes the descriptor over and closes it in the end.
  explicit Wire(int fd);
  ~Wire();
  Wire(const Wire&) = delete;
  Wire& operator=(const Wire&) = delete;

  /// Never blocks: false when the other side is gone or does not read (the line is dropped).
  bool send(const Message& message) { return send(std::span(&message, 1)); }
  /// Several at once: what waits to be read is counted by the call, not only by its bytes.
  bool send(std::span<const Message> messages);

  /// The next message; none after `timeout_ms` (or an `interrupt`). `unavailable` when the other
  /// side has closed.
  Result<std::optional<Message>> receive(int timeout_ms);

  /// Ends a `receive` that is waiting, and every later one, with `unavailable`; from any thread.
  void interrupt();

 private:
  int fd_;
  std::mutex sending_;
  std::string received_;  // bytes of an unfinished line
};

struct WirePair {
  int server_fd = -1;  // close-on-exec
  int worker_fd = -1;  // inherited by the child; its number goes on the child's command line
};
/// `unavailable` when the system gives no descriptors.
Result<WirePair> make_wire();

/// The server's end: a thread that reads what the worker reports and publishes it. One per worker
/// process; the supervisor makes it after the fork.
class ServerWire {
 public:
  struct Callbacks {
    /// What it told of its models; from a thread of its own.
    std::function<void(std::vector<service::ModelReport>)> on_ready;
    /// The worker is gone, or does not speak this wire; from a thread of its own.
    std::function<void()> on_closed;
  };

  /// Takes `server_fd` over. `events` must outlive it.
  ServerWire(int server_fd, service::JobEvents& events, Callbacks callbacks);
  /// Joins the thread; not to be called from a callback.
  ~ServerWire();
  ServerWire(const ServerWire&) = delete;
  ServerWire& operator=(const ServerWire&) = delete;

  void job_queued();
  void job_cancelled(std::string_view job_id);

 private:
  void read_loop(const std::stop_token& stop);

  service::JobEvents& events_;
  Callbacks callbacks_;
  Wire end_;
  std::jthread reader_;
};

}  // namespace imagined::worker
