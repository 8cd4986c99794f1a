#include "api/grpc/frame_guard.h"

#include <algorithm>

namespace imagined::api {
namespace {

enum Type : std::uint8_t {
  kData = 0,
  kHeaders = 1,
  kResetStream = 3,
  kSettings = 4,
  kPushPromise = 5,
  kPing = 6,
  kGoAway = 7,
  kWindowUpdate = 8,
  kContinuation = 9,
};
constexpr std::uint8_t kEndStream = 0x1;
constexpr std::uint8_t kEndHeaders = 0x4;

// Far more than the metadata that a call may bring: what is a little too large is the library's to
// answer.
constexpr std::uint32_t kBlockBytesMax = 256 << 10;
constexpr int kBlockFramesMax = 32;

}  // namespace

bool Allowance::take(TimePoint now) {
  const double seconds = std::chrono::duration<double>(now - filled_).count();
  left_ = std::min(at_once_, left_ + seconds * per_second_);
  filled_ = now;
  if (left_ < 1) return false;
  left_ -= 1;
  return true;
}

void Allowance::give() { left_ = std::min(at_once_, left_ + 1); }

const char* FrameGuard::from_client(std::span<const std::byte> bytes, TimePoint now) {
  const char* reason = nullptr;
  client_.find(bytes, [&](const FrameHead& head) {
    reason = judge(head, now);
    return reason == nullptr;
  });
  return reason;
}

const char* FrameGuard::from_server(std::span<const std::byte> bytes, TimePoint now) {
  const bool is_fine = server_.find(bytes, [&](const FrameHead& head) {
    if (head.type == kData || head.type == kHeaders) pings_.give();
    return head.type != kResetStream || resets_.take(now);
  });
  return is_fine ? nullptr : "resets";
}

const char* FrameGuard::judge(const FrameHead& head, TimePoint now) {
  switch (head.type) {
    case kData:
      if (head.length > 0 || (head.flags & kEndStream) != 0) return nullptr;
      return empty_data_.take(now) ? nullptr : "empty data";
    case kHeaders:
    case kPushPromise:
      block_bytes_ = 0;
      block_frames_ = 0;
      return judge_header_block(head);
    case kContinuation:
      return judge_header_block(head);
    case kResetStream:
      return resets_.take(now) ? nullptr : "resets";
    case kSettings:
      return settings_.take(now) ? nullptr : "settings";
    case kPing:
      return pings_.take(now) ? nullptr : "pings";
    case kGoAway:
      return nullptr;
    case kWindowUpdate:
      return window_updates_.take(now) ? nullptr : "window updates";
    default:
      return others_.take(now) ? nullptr : "other frames";
  }
}

const char* FrameGuard::judge_header_block(const FrameHead& head) {
  block_bytes_ += head.length;
  ++block_frames_;
  if (block_bytes_ > kBlockBytesMax || block_frames_ > kBlockFramesMax) return "header block";
  return nullptr;
}

}  // namespace imagined::api
