// A descriptor of the kernel's that tells of events: of an eventfd, a timerfd or an epoll.
#pragma once

#include <unistd.h>

#include <cstdint>

#include "base/check.h"

namespace imagined {

/// Owns it. Any thread may ring and silence.
class EventFd {
 public:
  /// As `eventfd` and its like have returned it, which fail only where we are wrong or have no
  /// descriptors left.
  explicit EventFd(int fd) : fd_(fd) { CHECK(fd_ >= 0, "no event descriptor"); }
  ~EventFd() { ::close(fd_); }
  EventFd(const EventFd&) = delete;
  EventFd& operator=(const EventFd&) = delete;

  int get() const { return fd_; }
  /// Of an eventfd: it is readable until it is silenced.
  void ring() const {
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto written = ::write(fd_, &one, sizeof one);
  }
  /// What it has counted: it is silent until more comes. Of one that blocks this waits for that.
  void silence() const {
    std::uint64_t count = 0;
    [[maybe_unused]] const auto taken = ::read(fd_, &count, sizeof count);
  }

 private:
  const int fd_;
};

}  // namespace imagined
