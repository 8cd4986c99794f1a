#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "service/limits/limit.h"

namespace imagined::service {

/// Where requests wait for room under their limits instead of being refused, one line a key.
/// Whoever has been served least goes next, counted in units, so a key with a thousand requests of
/// ten pictures takes no more of a shared limit than one that asks now and then: start-time fair
/// queuing (Goyal, Vin, Cheng 1996). Nobody starves: a bucket that refuses the one whose turn it is
/// takes nobody else's draw either.
///
/// Pure: time is a parameter, and the draws are made by `Take`. Not thread-safe.
class WaitingRoom {
 public:
  struct Options {
    std::size_t waiting_max = 10'000;       // in the room
    std::size_t waiting_per_key_max = 100;  // in one line
  };
  using Ticket = std::uint64_t;
  using Take = std::function<Result<Verdict>(std::span<const Draw>)>;

  struct Admitted {
    Ticket ticket;
    Result<Verdict> verdict;  // an error of the store ends the wait too
  };
  struct Round {
    std::vector<Admitted> admitted;
    std::optional<std::int64_t>
        wait_ms;  // until another round may admit somebody; none: nobody waits
  };

  WaitingRoom() : WaitingRoom(Options()) {}
  explicit WaitingRoom(Options options) : options_(options) {}

  /// A place at the end of the key's line. `resource_exhausted` when the line or the room is full.
  Result<Ticket> enter(std::string_view key, std::vector<Draw> draws);
  /// Gives the place up; nothing happens when it is gone already.
  void leave(Ticket ticket);
  /// Admits whoever may go now, in the order of their turns.
  Round admit(const Take& take);

  std::size_t waiting() const { return waiting_; }

 private:
  struct Waiter {
    Ticket ticket;
    std::vector<Draw> draws;
    std::int64_t units;  // of the draw that takes most
  };
  struct Line {
    std::deque<Waiter> waiters;
    std::int64_t start = 0;  // how much the key has been served when its first waiter goes
  };
  using Lines = std::map<std::string, Line, std::less<>>;

  /// The line whose turn it is among those not `passed`; null when there is none.
  Lines::value_type* next_line(const std::vector<const Line*>& passed);

  Options options_;
  Lines lines_;  // an empty line is kept while its key is ahead of the others
  std::size_t waiting_ = 0;
  std::int64_t served_ = 0;  // the start of whoever went last: where a newcomer begins
  Ticket last_ticket_ = 0;
};

}  // namespace imagined::service
