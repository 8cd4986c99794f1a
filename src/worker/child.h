// A process that we started: its end is never missed and never waited for twice, whatever the
// program around us did with its signals.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"

namespace imagined::worker {

/// In a process group of its own, so that Ctrl-C in a terminal is for us alone: we decide when it
/// stops.
class Child {
 public:
  struct Program {
    std::filesystem::path executable;
    std::vector<std::string> arguments;    // after the program's name
    std::vector<std::string> environment;  // "NAME=value"
    /// Descriptors that it gets, as kFirstFile and so on. It gets no others: a customer's
    /// connection in its hands would outlive our end of it.
    std::vector<int> files;
  };
  static constexpr int kFirstFile = 3;  // behind the standard three

  struct End {
    enum class How : std::uint8_t { exited, killed, unknown };
    How how = How::unknown;  // unknown: somebody else took its status
    int number = 0;          // the exit status or the signal

    /// "exit=1", "signal=9" or "exit=unknown".
    std::string text() const;
    bool operator==(const End&) const = default;
  };

  /// `unavailable` when the system starts no process.
  static Result<Child> start(const Program& program);
  ~Child();
  Child(Child&& other) noexcept;
  Child& operator=(Child&&) = delete;

  pid_t pid() const { return pid_; }
  /// Readable once it has ended.
  int end_fd() const { return pidfd_; }

  /// How it ended; none while it runs.
  std::optional<End> ended();
  /// The same, waiting for at most `limit`.
  std::optional<End> ended_within(std::chrono::milliseconds limit);
  /// Asks it to end, and makes it after `patience`.
  End end(std::chrono::milliseconds patience);

 private:
  Child(pid_t pid, int pidfd) : pid_(pid), pidfd_(pidfd) {}

  const pid_t pid_;
  int pidfd_;
  std::optional<End> end_;
};

}  // namespace imagined::worker
