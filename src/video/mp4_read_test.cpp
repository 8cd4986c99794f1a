#include "video/mp4_read.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
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

TEST(ReadMp4, TakesWholeFilesOnly) {
  const File file = small_file();
  for (std::size_t size = 0; size < file.size(); ++size)
    EXPECT_NE(error_of({file.begin(), file.begin() + static_cast<std::ptrdiff_t>(size)}), "none")
        << size;
}

TEST(ReadMp4, PointsNowhereElseWhateverByteIsWrong) {
  const File whole = small_file();
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
