#include "video/h264_sequence.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

namespace imagined::video {
namespace {

using Unit = std::vector<std::uint8_t>;

Unit unhex(std::string_view text) {
  Unit unit;
  for (std::size_t i = 0; i < text.size(); i += 2)
    unit.push_back(
        static_cast<std::uint8_t>(std::stoi(std::string(text.substr(i, 2)), nullptr, 16)));
  return unit;
}

/// Bits after the head of a unit of a profile, as a unit holds them: spaces are left out, and what
/// would look like a start code is kept apart.
Unit unit_of(std::uint8_t profile, std::string_view bits) {
  Unit plain = {0x67, profile, 0, 10};
  int count = 0;
  for (const char bit : bits) {
    if (bit == ' ') continue;
    if (count % 8 == 0) plain.push_back(0);
    if (bit == '1') plain.back() |= static_cast<std::uint8_t>(0x80 >> count % 8);
    ++count;
  }
  Unit unit;
  int zeros = 0;
  for (const std::uint8_t byte : plain) {
    if (zeros >= 2 && byte <= 3) {
      unit.push_back(3);
      zeros = 0;
    }
    unit.push_back(byte);
    zeros = byte == 0 ? zeros + 1 : 0;
  }
  return unit;
}

std::string why_not(const Unit& unit) {
  const auto checked = check_h264_sequence(unit);
  if (checked) return "";
  EXPECT_EQ(checked.error().field, "video");
  return checked.error().message;
}

constexpr const char* kInterlaced =
    "the video is coded as interlaced (frame_mbs_only_flag is 0); what is read is progressive (1)";
constexpr const char* kDamaged =
    "the video is damaged: its sequence parameter set is not as it should be";

// Of 64 x 64 by libx264, in each of its formats.
constexpr const char* kPlain = "6764000aacd94426c044000003000400000300503c489658";
constexpr const char* kBaseline = "6742c00ad90426c044000003000400000300503c489920";
constexpr const char* kInterlacedOfX264 = "67640015acd9444d8088000003000800000300a0f8a14cb0";
constexpr const char* kTenBits = "676e000aa6cd94426c0440000003004000000503c4896580";
constexpr const char* kGrey = "6764000af365109b011000000300100000030140f1225960";
constexpr const char* k422 = "677a000abcd94426c044000003000400000300503c489658";
constexpr const char* k444 = "67f4000a919b2884d80880000003008000000a078912cb";

TEST(H264Sequence, IsReadOfProgressiveFrames) {
  EXPECT_EQ(why_not(unhex(kPlain)), "");
  EXPECT_EQ(why_not(unhex(kBaseline)), "");
}

TEST(H264Sequence, NamesWhatItsFramesAre) {
  EXPECT_EQ(why_not(unhex(kInterlacedOfX264)), kInterlaced);
  EXPECT_EQ(why_not(unhex(kTenBits)),
            "the video has frames of 10 bits; what is read is 8 bits in 4:2:0");
  for (const char* other : {kGrey, k422, k444})
    EXPECT_EQ(why_not(unhex(other)),
              "the video has frames of 8 bits, not in 4:2:0; what is read is 8 bits in 4:2:0");
}

TEST(H264Sequence, IsReadPastListsAndOrdersOfAnyLength) {
  // Lists: two that are given, of which the second ends at its first number (-8), and six that are
  // not. Order: of kind 1, by an offset of 21 zeros and two more.
  const std::string lists = "1  1 1111111111111111  1 000010001  0 0 0 0 0 0";
  const std::string order = "010 0 0000000000000000000001000000000000000000000 1 011 1 1";
  const std::string size = "00100 00100";
  for (const bool progressive : {false, true}) {
    const std::string flag = progressive ? "1" : "0";
    EXPECT_EQ(why_not(unit_of(100, "1  010 1 1 0" + lists + "1" + order + "010 0" + size + flag)),
              progressive ? "" : kInterlaced);
    EXPECT_EQ(why_not(unit_of(66, "1 1" + order + "010 0" + size + flag)),
              progressive ? "" : kInterlaced);
  }
}

TEST(H264Sequence, ThatEndsTooEarlyIsDamaged) {
  const Unit whole = unhex(kPlain);
  for (std::size_t size = 1; size < 8; ++size)
    EXPECT_EQ(why_not(Unit(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size))),
              kDamaged)
        << size;
  EXPECT_EQ(why_not(unit_of(100, std::string(400, '0'))), kDamaged);
  EXPECT_EQ(why_not(unit_of(100, "1 010 000010000 1 0 0" + std::string(64, '1'))), kDamaged)
      << "no frame has 23 bits";
}

TEST(H264Sequence, IsToldFromOtherUnits) {
  EXPECT_TRUE(is_h264_sequence(unhex(kPlain)));
  EXPECT_FALSE(is_h264_sequence(unhex("68ebe3cb22c0")));
}

}  // namespace
}  // namespace imagined::video
