// What a client of HTTP/2 may ask for beside its calls, and how long its calls may take to come.
// The library counts the calls; what costs it work or memory and is no call it lets pass without
// end: resets, settings, pings, header blocks that never end, messages of which half has come.
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "api/grpc/call_times.h"

namespace imagined::api {

/// The head of a frame (RFC 9113, 4.1).
struct FrameHead {
  std::uint32_t length = 0;  // of what follows it
  std::uint8_t type = 0;
  std::uint8_t flags = 0;
  std::uint32_t stream = 0;  // 0: the connection
};

/// Finds the heads in bytes that come in pieces.
class FrameHeads {
 public:
  /// Calls `use(FrameHead)` for each head that is whole with these bytes, until it returns false,
  /// and `more(piece, is_last)` for what follows a head.
  template <class Use, class More>
  bool find(std::span<const std::byte> bytes, Use use, More more) {
    while (!bytes.empty()) {
      if (payload_left_ > 0) {
        const std::size_t passed = std::min<std::size_t>(payload_left_, bytes.size());
        payload_left_ -= static_cast<std::uint32_t>(passed);
        more(bytes.first(passed), payload_left_ == 0);
        bytes = bytes.subspan(passed);
        continue;
      }
      head_[filled_++] = bytes.front();
      bytes = bytes.subspan(1);
      if (filled_ < head_.size()) continue;
      filled_ = 0;
      const FrameHead head = read_head();
      payload_left_ = head.length;
      if (!use(head)) return false;
    }
    return true;
  }
  /// Whether the last frame is whole.
  bool is_between() const { return filled_ == 0 && payload_left_ == 0; }

 private:
  FrameHead read_head() const {
    const auto byte = [this](std::size_t i) { return std::to_integer<std::uint32_t>(head_[i]); };
    return {.length = byte(0) << 16 | byte(1) << 8 | byte(2),
            .type = static_cast<std::uint8_t>(byte(3)),
            .flags = static_cast<std::uint8_t>(byte(4)),
            .stream = (byte(5) & 0x7f) << 24 | byte(6) << 16 | byte(7) << 8 | byte(8)};
  }

  std::array<std::byte, 9> head_{};
  std::size_t filled_ = 0;
  std::uint32_t payload_left_ = 0;
};

/// So many at once, and so many more with each second.
class Allowance {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  Allowance(double at_once, double per_second)
      : at_once_(at_once), per_second_(per_second), left_(at_once) {}

  /// False: it is used up.
  bool take(TimePoint now);
  /// One more, but never more than at once.
  void give();

 private:
  const double at_once_;
  const double per_second_;
  double left_;
  TimePoint filled_{};
};

/// One connection, both ways, behind the preface.
class FrameGuard {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;
  /// Told why the library has refused a call by itself, as far as it says so.
  using OnRefusal = std::function<void(std::string_view reason)>;

  FrameGuard(const CallTimes& times, OnRefusal on_refusal)
      : times_(times), on_refusal_(std::move(on_refusal)) {}

  /// Null, or why the connection must end: a word for the log.
  const char* from_client(std::span<const std::byte> bytes, TimePoint now);
  /// Resets that the client has provoked count like its own; each frame of a reply gives it a ping.
  const char* from_server(std::span<const std::byte> bytes, TimePoint now);

  /// Whether a call is being sent so slowly that its time is over.
  bool has_late_call(TimePoint now) const;
  /// Whether a call has begun that neither side has ended.
  bool has_calls() const { return !calls_.empty(); }
  /// Whether the last frame that the server has sent is whole.
  bool is_between_frames() const { return server_.is_between(); }

 private:
  /// A call that has not ended.
  struct Coming {
    TimePoint since;
    std::uint64_t bytes = 0;
    bool is_whole = false;  // or the server has answered before it was
  };

  const char* judge(const FrameHead& head, TimePoint now);
  const char* judge_header_block(const FrameHead& head);
  void begin_call(const FrameHead& head, TimePoint now);
  void take_data(const FrameHead& head);
  void see_answer(const FrameHead& head);
  void read_end();

  const CallTimes times_;
  const OnRefusal on_refusal_;
  std::map<std::uint32_t, Coming> calls_;  // by stream; the library lets so many begin
  std::uint32_t last_stream_ = 0;
  FrameHead answered_;  // the frame of the server that is being read
  std::string end_;     // what it says, when it ends a call
  FrameHeads client_;
  FrameHeads server_;
  // Far above what clients need: gRPC's own ping every few seconds, and once for each frame that
  // they are sent, to measure their line, and reset the calls that they give up, a hundred at a
  // time.
  Allowance resets_{1'000, 100};
  Allowance settings_{20, 1};
  Allowance pings_{100, 10};
  Allowance window_updates_{20'000, 10'000};
  Allowance empty_data_{100, 10};
  Allowance others_{100, 10};      // priorities, and types that nobody knows
  std::uint32_t block_bytes_ = 0;  // of the last header block
  int block_frames_ = 0;
};

}  // namespace imagined::api
