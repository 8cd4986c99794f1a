#include "video/mp4_read.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <string>
#include <string_view>

#include "video/clip_file.h"

namespace imagined::video {
namespace {

using ::testing::HasSubstr;
using File = std::vector<std::uint8_t>;

File file_of(const VideoShape& shape, int frames, Codec codec = Codec::h264) {
  auto file = ClipFile::begin(shape, codec);
  EXPECT_TRUE(file) << file.error().detail;
  for (int i = 0; i < frames; ++i) {
    image::Picture picture{.width = shape.width, .height = shape.height, .pixels = {}};
    picture.pixels.assign(static_cast<std::size_t>(shape.width * shape.height * 3),
                          static_cast<std::uint8_t>(40 * i));
    EXPECT_TRUE(file->add(picture.view()));
  }
  return file->finish();
}

File small_file(Codec codec = Codec::h264) {
  return file_of({.width = 32, .height = 16, .frames_per_second = 4}, 6, codec);
}

/// Where the box of a type begins; the first one in the file.
std::size_t place_of(const File& file, std::string_view type) {
  const auto found = std::search(file.begin(), file.end(), type.begin(), type.end());
  EXPECT_NE(found, file.end()) << type;
  return static_cast<std::size_t>(found - file.begin()) - 4;
}

void set_u32(File& file, std::size_t at, std::uint32_t value) {
  for (std::size_t i = 0; i < 4; ++i)
    file[at + i] = static_cast<std::uint8_t>(value >> (24 - 8 * i));
}

void rename(File& file, std::string_view type, std::string_view other) {
  std::ranges::copy(other, file.begin() + static_cast<std::ptrdiff_t>(place_of(file, type)) + 4);
}

void put_u32(File& box, std::uint32_t value) {
  for (int shift = 24; shift >= 0; shift -= 8)
    box.push_back(static_cast<std::uint8_t>(value >> shift));
}

/// Puts a box of numbers behind the header of another one, which lies in those that are named.
void insert(File& file, std::vector<std::string_view> around, std::string_view type,
            const std::vector<std::uint32_t>& numbers) {
  File box;
  put_u32(box, static_cast<std::uint32_t>(8 + 4 * numbers.size()));
  box.insert(box.end(), type.begin(), type.end());
  for (const std::uint32_t number : numbers) put_u32(box, number);
  const auto grow = [&](std::size_t at) {
    const auto old = std::uint32_t{file[at + 2]} << 8 | file[at + 3];
    set_u32(file, at, old + static_cast<std::uint32_t>(box.size()));
  };
  for (const std::string_view each : around) grow(place_of(file, each));
  grow(place_of(file, "stco") + 16);  // where the frames lie
  const auto at = static_cast<std::ptrdiff_t>(place_of(file, around.back())) + 8;
  file.insert(file.begin() + at, box.begin(), box.end());
}

constexpr std::uint32_t kFrame = 512;            // units of a frame of `small_file`, 1/4 s
constexpr std::uint32_t kNothing = 0xFFFF'FFFF;  // a media time
constexpr std::uint32_t kOwnSpeed = 1 << 16;

/// Six frames, of which each has an offset.
void set_offsets(File& file, std::uint32_t version, const std::vector<std::int32_t>& offsets) {
  std::vector<std::uint32_t> numbers = {version << 24, static_cast<std::uint32_t>(offsets.size())};
  for (const std::int32_t offset : offsets) {
    numbers.push_back(1);
    numbers.push_back(static_cast<std::uint32_t>(offset));
  }
  insert(file, {"moov", "trak", "mdia", "minf", "stbl"}, "ctts", numbers);
}

/// Entries of a duration, a media time and a speed.
void set_edits(File& file, const std::vector<std::array<std::uint32_t, 3>>& entries) {
  std::vector<std::uint32_t> numbers = {0, static_cast<std::uint32_t>(entries.size())};
  for (const auto& entry : entries) numbers.insert(numbers.end(), entry.begin(), entry.end());
  insert(file, {"moov", "trak"}, "edts", {});
  insert(file, {"moov", "trak", "edts"}, "elst", numbers);
}

File edited(const std::vector<std::array<std::uint32_t, 3>>& entries) {
  File file = small_file();
  set_edits(file, entries);
  return file;
}

/// "0@0 1@0.25 ...": which frames are shown, at which seconds; then how long the video is.
std::string shown_of(const File& file) {
  const auto track = read_mp4(file);
  if (!track) return track.error().message;
  std::string text;
  for (const auto& shown : track->shown) text += fmt::format("{}@{} ", shown.frame, shown.seconds);
  return text + fmt::format("to {}", track->seconds);
}

std::string error_of(const File& file) {
  const auto track = read_mp4(file);
  return track ? "none" : track.error().field + ": " + track.error().message;
}

TEST(ReadMp4, FindsWhatWasWritten) {
  const File file = small_file();
  const auto track = read_mp4(file);
  ASSERT_TRUE(track) << track.error().message;
  EXPECT_EQ(track->width, 32);
  EXPECT_EQ(track->height, 16);
  EXPECT_EQ(track->seconds, 1.5);
  EXPECT_EQ(track->parameter_sets.size(), 2u);
  ASSERT_EQ(track->frames.size(), 6u);
  EXPECT_EQ(track->frames.back().data() + track->frames.back().size(), file.data() + file.size());
  for (const auto frame : track->frames) EXPECT_FALSE(units_of(*track, frame)->empty());
}

TEST(ReadMp4, FindsWhatWasWrittenInAv1) {
  const File file = small_file(Codec::av1);
  const auto track = read_mp4(file);
  ASSERT_TRUE(track) << track.error().message;
  EXPECT_EQ(track->codec, Codec::av1);
  EXPECT_EQ(track->seconds, 1.5);
  EXPECT_EQ(track->parameter_sets.size(), 1u);
  EXPECT_EQ(track->frames.size(), 6u);
}

TEST(ReadMp4, ShowsFramesWhenTheirOffsetsSay) {
  constexpr std::string_view kOrder = "0@0 2@0.25 1@0.5 4@0.75 3@1 5@1.25 to 1.5";
  File file = small_file();
  set_offsets(file, 0, {512, 1024, 0, 1024, 0, 512});
  EXPECT_EQ(shown_of(file), kOrder) << "which begin with the first that is shown";
  file = small_file();
  set_offsets(file, 1, {0, 512, -512, 512, -512, 0});
  EXPECT_EQ(shown_of(file), kOrder);
  file = small_file();
  set_offsets(file, 1, {-9000, 0, 0, 0, 0, 2048});
  EXPECT_EQ(shown_of(file),
            "0@0 1@4.64453125 2@4.89453125 3@5.14453125 4@5.39453125 "
            "5@6.64453125 to 6.89453125");
}

TEST(ReadMp4, BeginsWhereAnEditSays) {
  EXPECT_EQ(shown_of(edited({{6 * kFrame, 0, kOwnSpeed}})), shown_of(small_file()));
  File file = small_file();
  set_offsets(file, 0, {1024, 1024, 1024, 1024, 1024, 1024});
  set_edits(file, {{6 * kFrame, 1024, kOwnSpeed}});
  EXPECT_EQ(shown_of(file), shown_of(small_file())) << "as encoders with B-frames write it";
}

TEST(ReadMp4, LeavesOutWhatAnEditLeavesOut) {
  EXPECT_EQ(shown_of(edited({{2 * kFrame, kFrame + 256, kOwnSpeed}})),
            "1@0 2@0.125 3@0.375 to 0.5");
  EXPECT_EQ(shown_of(edited({{0, 4 * kFrame, kOwnSpeed}})), "4@0 5@0.25 to 0.5");
}

TEST(ReadMp4, HoldsTheLastFrameAsLongAsAnEditSays) {
  constexpr std::string_view kFrames = "0@0 1@0.25 2@0.5 3@0.75 4@1 5@1.25 to ";
  EXPECT_EQ(shown_of(edited({{20 * kFrame, 0, kOwnSpeed}})), std::string(kFrames) + "5");
  EXPECT_EQ(shown_of(edited({{6 * kFrame + 1, 0, kOwnSpeed}})), std::string(kFrames) + "1.5")
      << "which is rounded";
}

TEST(ReadMp4, ShowsTheFirstFrameWhereAnEditWaits) {
  EXPECT_EQ(shown_of(edited({{4 * kFrame, kNothing, kOwnSpeed}, {3 * kFrame, 0, kOwnSpeed}})),
            "0@0 1@1.25 2@1.5 to 1.75");
}

TEST(ReadMp4, NamesEditsThatItDoesNotFollow) {
  EXPECT_EQ(
      shown_of(edited({{kFrame, 0, kOwnSpeed}, {kFrame, 4 * kFrame, kOwnSpeed}})),
      "the video is cut together by an edit list (elst); what is read is one part of a track");
  for (const std::uint32_t speed : {0u, 2 * kOwnSpeed, kOwnSpeed / 2})
    EXPECT_EQ(shown_of(edited({{kFrame, 0, speed}})),
              "the video is shown at another speed than its own by an edit list (elst)");
  EXPECT_EQ(shown_of(edited({{kFrame, kNothing, kOwnSpeed}})),
            "the video shows none of its frames by an edit list (elst)");
  EXPECT_THAT(shown_of(edited({{kFrame, 0x8000'0000, kOwnSpeed}})), HasSubstr("\"elst\""));
  EXPECT_THAT(shown_of(edited({{0, 6 * kFrame, kOwnSpeed}})), HasSubstr("\"elst\""));
}

TEST(ReadMp4, ReadsVideosOfTenMinutesAtMost) {
  EXPECT_THAT(shown_of(edited({{600 * 4 * kFrame, 0, kOwnSpeed}})), HasSubstr("to 600"));
  EXPECT_EQ(shown_of(edited({{600 * 4 * kFrame + kFrame, 0, kOwnSpeed}})),
            "the video lasts 600.2 s; what is read is 600 s at most");
  File file = small_file();
  set_u32(file, place_of(file, "stts") + 20, 0xFFFF'FFFF);
  EXPECT_THAT(shown_of(file), HasSubstr("what is read is 600 s at most"));
}

TEST(ReadMp4, WantsAnOffsetOfEachFrame) {
  File file = small_file();
  set_offsets(file, 0, {0, 0, 0, 0, 0});
  EXPECT_EQ(shown_of(file), "the video is damaged: its box \"ctts\" is not as it should be");
}

TEST(ReadMp4, TakesWholeFilesOnly) {
  const File file = small_file();
  for (std::size_t size = 0; size < file.size(); ++size)
    EXPECT_NE(error_of({file.begin(), file.begin() + static_cast<std::ptrdiff_t>(size)}), "none")
        << size;
}

TEST(ReadMp4, PointsNowhereElseWhateverByteIsWrong) {
  File whole = edited({{kFrame, kNothing, kOwnSpeed}, {5 * kFrame, kFrame, kOwnSpeed}});
  set_offsets(whole, 0, {512, 1024, 0, 512, 512, 512});
  ASSERT_EQ(error_of(whole), "none");
  for (std::size_t at = 0; at < place_of(whole, "mdat"); ++at)
    for (const int change : {0x01, 0x7F, 0x80, 0xFF}) {
      File file = whole;
      file[at] = static_cast<std::uint8_t>(file[at] ^ change);
      const auto track = read_mp4(file);
      if (!track) {
        ASSERT_EQ(track.error().field, "video");
        continue;
      }
      for (const auto frame : track->frames) {
        ASSERT_GE(frame.data(), file.data());
        ASSERT_LE(frame.data() + frame.size(), file.data() + file.size());
      }
      double before = 0;
      for (const auto& shown : track->shown) {
        ASSERT_LT(shown.frame, track->frames.size());
        ASSERT_GE(shown.seconds, before);
        before = shown.seconds;
      }
      ASSERT_GT(track->seconds, before);
      ASSERT_LE(track->seconds, kReadSecondsMax);
    }
}

TEST(ReadMp4, SaysWhatItDoesNotRead) {
  EXPECT_EQ(error_of({}), "video: the video is not an MP4 file");
  EXPECT_EQ(read_mp4(File(100, 'x')).error().code, ErrorCode::unsupported_media_type);
  File file = small_file();
  const std::size_t entry = place_of(file, "stsd") + 20;
  std::ranges::copy(std::string_view("hvc1"), file.begin() + static_cast<std::ptrdiff_t>(entry));
  EXPECT_EQ(error_of(file),
            "video: the video is of kind \"hvc1\"; what is read is H.264 (avc1) and AV1 (av01)");
  file = small_file();
  rename(file, "vide", "soun");
  EXPECT_EQ(error_of(file), "video: the video has no track of pictures");
  file = small_file();
  set_u32(file, place_of(file, "tkhd") + 8 + 4 + 20 + 16, 0);  // turned by a quarter
  EXPECT_EQ(error_of(file), "video: the video is shown turned; what is read stands upright");
  file = small_file();
  rename(file, "mvhd", "mvex");
  EXPECT_EQ(error_of(file), "video: the video is in fragments, which are not read");
  file = small_file();
  rename(file, "moov", "free");
  EXPECT_EQ(error_of(file), "video: the video has no table of its frames (moov)");
}

TEST(ReadMp4, TakesNoMoreThanItsLimits) {
  File file = small_file();
  set_u32(file, place_of(file, "stsz") + 16, 1801);
  EXPECT_EQ(error_of(file), "video: the video has 1801 frames; what is read is 1800 at most");
  file = small_file();
  const std::size_t size = place_of(file, "stsd") + 16 + 8 + 24;
  set_u32(file, size, 1920u << 16 | 1920u);
  EXPECT_THAT(error_of(file), HasSubstr("has 1920 x 1920 pixels; what is read is 16 to 1920"));
  set_u32(file, size, 1920u << 16 | 1088u);
  set_u32(file, place_of(file, "stsz") + 16, 172);
  EXPECT_THAT(error_of(file),
              HasSubstr("has 172 frames of 1920 x 1088: too much to read; at most 171"));
}

TEST(UnitsOf, FillTheirFrame) {
  Mp4Track track;
  const File frame = {0, 0, 0, 2, 'a', 'b', 0, 0, 0, 1, 'c'};
  EXPECT_EQ(units_of(track, frame)->size(), 2u);
  EXPECT_FALSE(units_of(track, std::span(frame).first(10)));
  EXPECT_FALSE(units_of(track, std::span(frame).first(8)));
  track.length_bytes = 1;
  EXPECT_EQ(units_of(track, File{1, 'a', 2, 'b', 'c'})->size(), 2u);
}

}  // namespace
}  // namespace imagined::video
