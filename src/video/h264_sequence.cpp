#include "video/h264_sequence.h"

#include <algorithm>
#include <cstdint>

#include "video/frame_view.h"

namespace imagined::video {
namespace {

/// Bits from the front on, without the bytes that keep start codes out of the unit (7.4.1); beyond
/// the end they are nothing, and that is asked about once.
class Bits {
 public:
  explicit Bits(Mp4Track::Bytes bytes) : rest_(bytes) {}

  std::uint32_t take(int count) {
    std::uint32_t value = 0;
    for (int i = 0; i < count; ++i) value = value << 1 | bit();
    return value;
  }
  bool flag() { return take(1) != 0; }
  /// ue(v): as many bits behind the first 1 as zeros in front of it.
  std::uint32_t number() {
    constexpr int kZerosMax = 31;
    int zeros = 0;
    while (!short_ && !flag()) ++zeros;
    if (zeros > kZerosMax) short_ = true;
    if (short_) return 0;
    return (std::uint32_t{1} << zeros) - 1 + take(zeros);
  }
  /// se(v): 0, 1, -1, 2, -2, ...
  std::int64_t signed_number() {
    const std::int64_t code = number();
    return code % 2 == 0 ? -code / 2 : (code + 1) / 2;
  }
  bool whole() const { return !short_; }

 private:
  std::uint32_t bit() {
    if (left_ == 0) next_byte();
    if (short_) return 0;
    --left_;
    return byte_ >> left_ & 1;
  }
  void next_byte() {
    constexpr std::uint8_t kEmulationPrevention = 3;
    if (zeros_ >= 2 && !rest_.empty() && rest_.front() == kEmulationPrevention) {
      rest_ = rest_.subspan(1);
      zeros_ = 0;
    }
    if (rest_.empty()) {
      short_ = true;
      return;
    }
    byte_ = rest_.front();
    rest_ = rest_.subspan(1);
    left_ = 8;
    zeros_ = byte_ == 0 ? zeros_ + 1 : 0;
  }

  Mp4Track::Bytes rest_;
  std::uint32_t byte_ = 0;
  int left_ = 0;   // bits of it
  int zeros_ = 0;  // bytes in a row
  bool short_ = false;
};

/// The profiles that say how they keep colours (7.3.2.1.1); the others have 8 bits in 4:2:0.
bool says_colours(std::uint32_t profile) {
  constexpr std::uint32_t kProfiles[] = {100, 110, 122, 244, 44,  83, 86,
                                         118, 128, 138, 139, 134, 135};
  return std::ranges::find(kProfiles, profile) != std::end(kProfiles);
}

void skip_scaling_list(Bits& bits, int size) {
  std::int64_t last = 8;
  std::int64_t next = 8;
  for (int i = 0; i < size && bits.whole(); ++i) {
    if (next != 0) next = (last + bits.signed_number() + 256) % 256;
    if (next != 0) last = next;
  }
}

constexpr std::uint32_t k420 = 1;
constexpr std::uint32_t k444 = 3;

struct Colours {
  std::uint32_t chroma = k420;  // chroma_format_idc: 4:0:0, 4:2:0, 4:2:2, 4:4:4
  std::uint32_t bits = 8;
};

Colours read_colours(Bits& bits) {
  constexpr std::uint32_t kBitsBeyondEight = 7;  // one more than there are
  Colours colours{.chroma = bits.number()};
  if (colours.chroma == k444) bits.take(1);  // planes coded apart
  const std::uint32_t luma = bits.number();
  colours.bits = 8 + std::min(std::max(luma, bits.number()), kBitsBeyondEight);
  bits.take(1);  // a transform that loses nothing
  if (!bits.flag()) return colours;
  const int lists = colours.chroma == k444 ? 12 : 8;
  for (int i = 0; i < lists && bits.whole(); ++i)
    if (bits.flag()) skip_scaling_list(bits, i < 6 ? 16 : 64);
  return colours;
}

/// In which order pictures are shown.
void skip_order(Bits& bits) {
  const std::uint32_t kind = bits.number();
  if (kind == 0) bits.number();
  if (kind != 1) return;
  bits.take(1);
  bits.signed_number();
  bits.signed_number();
  const std::uint32_t frames = bits.number();
  for (std::uint32_t i = 0; i < frames && bits.whole(); ++i) bits.signed_number();
}

}  // namespace

bool is_h264_sequence(Mp4Track::Bytes unit) {
  constexpr int kSequence = 7;
  return (unit.front() & 0x1F) == kSequence;
}

Result<void> check_h264_sequence(Mp4Track::Bytes unit) {
  constexpr std::uint32_t kBitsMax = 14;
  Bits bits(unit);
  bits.take(8);  // the kind of the unit
  const std::uint32_t profile = bits.take(8);
  bits.take(16);  // what else holds of it, and the level
  bits.number();  // its name
  const Colours colours = says_colours(profile) ? read_colours(bits) : Colours();
  bits.number();  // frames are counted up to it
  skip_order(bits);
  bits.number();  // references
  bits.take(1);   // gaps
  bits.number();  // width
  bits.number();  // height
  const bool frame_mbs_only = bits.flag();
  if (!bits.whole() || colours.bits > kBitsMax)
    return fail(ErrorCode::invalid_argument,
                "the video is damaged: its sequence parameter set is not as it should be", "video");
  // Of 4:0:0 openh264 2.3.1 gives planes of colour that it has never written.
  if (colours.bits != 8 || colours.chroma != k420)
    return other_samples(static_cast<int>(colours.bits), colours.chroma == k420);
  if (!frame_mbs_only)
    return fail(ErrorCode::invalid_argument,
                "the video is coded as interlaced (frame_mbs_only_flag is 0); what is read is "
                "progressive (1)",
                "video");
  return {};
}

}  // namespace imagined::video
