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
constexpr std::uint32_t kRefusedStream = 7;  // RFC 9113, 7
constexpr std::size_t kEndBytesMax = 16 << 10;
constexpr std::uint8_t kEndStream = 0x1;
constexpr std::uint8_t kEndHeaders = 0x4;

// Far more than the metadata that a call may bring: what is a little too large is the library's to
// answer.
constexpr std::uint32_t kBlockBytesMax = 256 << 10;
constexpr int kBlockFramesMax = 32;

// All of our own ends of calls have it (call.cpp).
constexpr std::string_view kOurMark = "x-request-id";
constexpr std::string_view kMessage = "grpc-message";

/// The value behind a name that stands in a header block in the clear, as the library writes those
/// that it does not keep in its table (RFC 7541, 6.2.2); empty: it does not stand there so.
std::string_view value_behind(std::string_view block, std::string_view name) {
  const std::size_t at = block.find(name);
  if (at == std::string_view::npos) return {};
  block.remove_prefix(at + name.size());
  const auto byte = [&](std::size_t i) {
    return i < block.size() ? static_cast<std::uint8_t>(block[i]) : 0u;
  };
  constexpr std::uint32_t kInMore = 0x7f;  // the length goes on
  std::size_t length = byte(0);
  std::size_t begin = 1;
  if (length > kInMore) return {};  // in Huffman's code
  if (length == kInMore) {
    length += byte(1) & 0x7f;
    if (byte(1) > 0x7f) length += std::size_t{byte(2) & 0x7f} << 7;
    begin = byte(1) > 0x7f ? 3 : 2;
  }
  return begin < block.size() ? block.substr(begin, length) : std::string_view();
}

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
  client_.find(
      bytes,
      [&](const FrameHead& head) {
        reason = judge(head, now);
        return reason == nullptr;
      },
      [](std::span<const std::byte>, bool) {});
  return reason;
}

const char* FrameGuard::from_server(std::span<const std::byte> bytes, TimePoint now) {
  const bool is_fine = server_.find(
      bytes,
      [&](const FrameHead& head) {
        see_answer(head);
        return head.type != kResetStream || resets_.take(now);
      },
      [&](std::span<const std::byte> piece, bool is_last) {
        if (answered_.type == kData) return;
        const std::size_t room = kEndBytesMax - end_.size();
        end_.append(reinterpret_cast<const char*>(piece.data()), std::min(room, piece.size()));
        if (is_last) read_end();
      });
  return is_fine ? nullptr : "resets";
}

void FrameGuard::see_answer(const FrameHead& head) {
  answered_ = head;
  end_.clear();
  const bool is_answer = head.type == kData || head.type == kHeaders;
  if (is_answer) pings_.give();
  const auto call = calls_.find(head.stream);
  if (call == calls_.end()) return;
  if (is_answer) call->second.is_whole = true;
  if (head.type == kResetStream || (is_answer && (head.flags & kEndStream) != 0))
    calls_.erase(call);
}

void FrameGuard::read_end() {
  if (answered_.type == kResetStream && end_.size() == 4 &&
      static_cast<std::uint8_t>(end_[3]) == kRefusedStream)
    return on_refusal_("too many calls at once");
  if (answered_.type != kHeaders || (answered_.flags & kEndStream) == 0) return;
  if (end_.find(kOurMark) != std::string::npos) return;
  const std::string_view reason = value_behind(end_, kMessage);
  if (!reason.empty()) on_refusal_(reason);
}

void FrameGuard::begin_call(const FrameHead& head, TimePoint now) {
  const bool is_whole = (head.flags & kEndStream) != 0;
  if (head.stream > last_stream_) {
    last_stream_ = head.stream;
    calls_[head.stream] = {.since = now, .bytes = 0, .is_whole = is_whole};
  } else if (const auto call = calls_.find(head.stream); call != calls_.end() && is_whole) {
    call->second.is_whole = true;
  }
}

void FrameGuard::take_data(const FrameHead& head) {
  const auto call = calls_.find(head.stream);
  if (call == calls_.end()) return;
  call->second.bytes += head.length;
  if ((head.flags & kEndStream) != 0) call->second.is_whole = true;
}

bool FrameGuard::has_late_call(TimePoint now) const {
  return std::ranges::any_of(calls_, [&](const auto& entry) {
    const Coming& call = entry.second;
    const std::chrono::milliseconds at_its_rate(call.bytes * 1000 / times_.request_bytes_per_s_min);
    return !call.is_whole && now >= call.since + times_.request + at_its_rate;
  });
}

const char* FrameGuard::judge(const FrameHead& head, TimePoint now) {
  switch (head.type) {
    case kData:
      take_data(head);
      if (head.length > 0 || (head.flags & kEndStream) != 0) return nullptr;
      return empty_data_.take(now) ? nullptr : "empty data";
    case kHeaders:
      begin_call(head, now);
      [[fallthrough]];
    case kPushPromise:
      block_bytes_ = 0;
      block_frames_ = 0;
      return judge_header_block(head);
    case kContinuation:
      return judge_header_block(head);
    case kResetStream:
      calls_.erase(head.stream);
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
