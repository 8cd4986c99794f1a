#include "video/clip_file.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <string_view>
#include <tuple>

#include "base/check.h"
#include "base/folder_testing.h"
#include "video/decode.h"
#include "video/frames.h"
#include "video/mp4_read.h"

namespace imagined::video {
namespace {

using Bytes = std::span<const std::uint8_t>;

/// A bright square that moves over a gradient.
image::Picture frame_at(const VideoShape& shape, int index) {
  image::Picture picture{.width = shape.width, .height = shape.height, .channels = 3, .pixels = {}};
  const int left = 4 * index;
  for (int y = 0; y < shape.height; ++y)
    for (int x = 0; x < shape.width; ++x) {
      const bool inside = x >= left && x < left + 24 && y >= 8 && y < 32;
      for (int c = 0; c < 3; ++c)
        picture.pixels.push_back(static_cast<std::uint8_t>(
            inside ? (c == 0 ? 230 : 40) : 255 * (c == 1 ? y : x) / (shape.width + 1)));
    }
  return picture;
}

std::vector<std::uint8_t> file_of(const VideoShape& shape, int frames, Codec codec = Codec::h264) {
  auto file = ClipFile::begin(shape, codec);
  EXPECT_TRUE(file) << file.error().detail;
  for (int i = 0; i < frames; ++i) EXPECT_TRUE(file->add(frame_at(shape, i).view()));
  return file->finish();
}

std::uint32_t u32(Bytes bytes, std::size_t at) {
  return std::uint32_t{bytes[at]} << 24 | std::uint32_t{bytes[at + 1]} << 16 |
         std::uint32_t{bytes[at + 2]} << 8 | bytes[at + 3];
}

/// The content of the boxes in `bytes`, by their types' path; the order in `order`.
void walk(Bytes bytes, const std::string& path, std::map<std::string, Bytes>& boxes,
          std::vector<std::string>& order) {
  while (!bytes.empty()) {
    ASSERT_GE(bytes.size(), 8u) << path;
    const std::size_t size = u32(bytes, 0);
    ASSERT_TRUE(size >= 8 && size <= bytes.size()) << path << " has a box of " << size;
    const std::string type(bytes.begin() + 4, bytes.begin() + 8);
    const std::string name = path + "/" + type;
    boxes[name] = bytes.subspan(8, size - 8);
    order.push_back(name);
    std::size_t skip = std::string::npos;
    if (type == "moov" || type == "trak" || type == "mdia" || type == "minf" || type == "dinf" ||
        type == "stbl")
      skip = 0;
    if (type == "stsd" || type == "dref") skip = 8;
    if (type == "avc1" || type == "av01") skip = 78;
    if (skip != std::string::npos) walk(boxes[name].subspan(skip), name, boxes, order);
    bytes = bytes.subspan(size);
  }
}

constexpr std::string_view kTable = "/moov/trak/mdia/minf/stbl";

struct Read {
  std::map<std::string, Bytes> boxes;
  std::vector<std::string> order;
  Bytes at(std::string_view name) const {
    const auto found = boxes.find(std::string(name));
    EXPECT_NE(found, boxes.end()) << name;
    return found == boxes.end() ? Bytes() : found->second;
  }
  Bytes table(std::string_view name) const {
    return at(std::string(kTable) + "/" + std::string(name));
  }
};

Read read(Bytes file) {
  Read result;
  walk(file, "", result.boxes, result.order);
  return result;
}

/// What is decoded of a file.
class Decoded {
 public:
  explicit Decoded(Bytes file) {
    const auto track = read_mp4(file);
    CHECK(track, "{}", track.error().message);
    frames_ = {.width = track->width, .height = track->height, .times = {}, .planes = {}};
    const std::size_t bytes = frame_bytes(track->width, track->height);
    frames_.planes.resize(track->shown.size() * bytes);
    const auto take = [&](std::size_t index, const FrameView& frame) -> Result<void> {
      pack_frame(frame, frames_.planes.data() + index * bytes);
      ++frames_.count;
      return {};
    };
    const auto done = decode_frames(*track, take);
    CHECK(done, "{}: {}", done.error().message, done.error().detail);
  }

  int frames() const { return frames_.count; }

  /// How near a frame is to a picture, in all three colours.
  double decibel(int frame, const image::Picture& expected) const {
    const image::Picture found = frames_.picture(frame);
    CHECK(found.pixels.size() == expected.pixels.size(), "{} bytes", found.pixels.size());
    double sum = 0;
    for (std::size_t i = 0; i < found.pixels.size(); ++i)
      sum += std::pow(double(found.pixels[i]) - double(expected.pixels[i]), 2);
    return 10 * std::log10(255.0 * 255.0 * double(found.pixels.size()) / std::max(sum, 1.0));
  }

 private:
  Frames frames_;
};

constexpr VideoShape kSmall{.width = 96, .height = 64, .frames_per_second = 4};

class ClipFileOf : public testing::TestWithParam<Codec> {};

INSTANTIATE_TEST_SUITE_P(EveryCodec, ClipFileOf, testing::Values(Codec::h264, Codec::av1),
                         [](const auto& codec) {
                           return std::string(codec.param == Codec::h264 ? "H264" : "Av1");
                         });

TEST_P(ClipFileOf, GivesEveryFrameBackNearlyAsItWas) {
  const auto file = file_of(kSmall, 12, GetParam());
  const Decoded decoded(file);
  ASSERT_EQ(decoded.frames(), 12);
  // A frame against its neighbour, the likeliest mistake, comes to 33 dB.
  for (int i = 0; i < 12; ++i) EXPECT_GT(decoded.decibel(i, frame_at(kSmall, i)), 40) << i;
  EXPECT_LT(decoded.decibel(0, frame_at(kSmall, 1)), 35);
}

TEST(ClipFile, SaysWhatIsInItBeforeTheFrames) {
  const auto file = file_of(kSmall, 3);
  const Read boxes = read(file);
  std::vector<std::string> top;
  for (const std::string& name : boxes.order)
    if (std::ranges::count(name, '/') == 1) top.push_back(name);
  EXPECT_EQ(top, (std::vector<std::string>{"/ftyp", "/moov", "/mdat"}));
}

TEST(ClipFile, SaysHowItWasMadeWhereXmpIsLookedFor) {
  auto file = ClipFile::begin(kSmall);
  ASSERT_TRUE(file && file->add(frame_at(kSmall, 0).view()));
  const auto bytes = file->finish("<x:xmpmeta/>");
  const Read boxes = read(bytes);
  const Bytes box = boxes.at("/uuid");
  constexpr std::string_view kXmp =
      "\xBE\x7A\xCF\xCB\x97\xA9\x42\xE8\x9C\x71\x99\x94\x91\xE3\xAF\xAC";
  EXPECT_EQ(std::string(box.begin(), box.end()), std::string(kXmp) + "<x:xmpmeta/>");
  EXPECT_EQ(Decoded(bytes).frames(), 1);  // what is behind it is found
}

TEST(ClipFile, LastsAsLongAsItsFrames) {
  const auto file = file_of({.width = 32, .height = 16, .frames_per_second = 24}, 36);
  const Read boxes = read(file);
  for (const auto& [name, at] : {std::pair{"/moov/mvhd", 12}, {"/moov/trak/mdia/mdhd", 12}}) {
    const Bytes header = boxes.at(name);
    const auto offset = static_cast<std::size_t>(at);
    EXPECT_EQ(u32(header, offset + 4) * 2, u32(header, offset) * 3) << name;  // 1.5 s
  }
  const Bytes times = boxes.table("stts");
  EXPECT_EQ(u32(times, 8), 36u);
  EXPECT_EQ(u32(times, 12) * 24, u32(boxes.at("/moov/mvhd"), 12));
}

TEST_P(ClipFileOf, PointsAtFramesThatFillTheRestOfTheFile) {
  const auto file = file_of(kSmall, 5, GetParam());
  const Read boxes = read(file);
  const Bytes sizes = boxes.table("stsz");
  std::size_t end = u32(boxes.table("stco"), 8);
  EXPECT_EQ(file.data() + end, boxes.at("/mdat").data());
  for (std::uint32_t i = 0; i < 5; ++i) end += u32(sizes, 12 + 4 * i);
  EXPECT_EQ(end, file.size());
}

TEST_P(ClipFileOf, CanBeginEveryTwoSeconds) {
  const auto file = file_of(kSmall, 17, GetParam());
  const Bytes keys = read(file).table("stss");
  ASSERT_EQ(u32(keys, 4), 3u);
  EXPECT_EQ(u32(keys, 8), 1u);
  EXPECT_EQ(u32(keys, 12), 9u);
  EXPECT_EQ(u32(keys, 16), 17u);
}

TEST_P(ClipFileOf, IsTheSameForTheSameFrames) {
  EXPECT_EQ(file_of(kSmall, 9, GetParam()), file_of(kSmall, 9, GetParam()));
}

TEST_P(ClipFileOf, TakesTheSizesThatAreOffered) {
  for (const auto& [width, height] : {std::pair{848, 480}, {480, 848}, {720, 720}, {1280, 720}}) {
    const VideoShape shape{.width = width, .height = height, .frames_per_second = 4};
    const auto file = file_of(shape, 2, GetParam());
    EXPECT_GT(Decoded(file).decibel(1, frame_at(shape, 1)), 35);
  }
}

/// What a command says on stdout; empty when it fails.
std::string output_of(const std::string& command) {
  FILE* pipe = popen((command + " 2>/dev/null").c_str(), "r");
  if (pipe == nullptr) return {};
  std::string text;
  std::array<char, 4096> buffer;
  while (const std::size_t count = std::fread(buffer.data(), 1, buffer.size(), pipe))
    text.append(buffer.data(), count);
  return pclose(pipe) == 0 ? text : std::string();
}

TEST_P(ClipFileOf, IsWhatFfprobeTakesItFor) {
  if (output_of("ffprobe -version").empty()) GTEST_SKIP() << "there is no ffprobe here";
  const TestFolder folder;
  const auto file = file_of(kSmall, 10, GetParam());
  const std::string path =
      folder.write("clip.mp4", {reinterpret_cast<const char*>(file.data()), file.size()}).string();
  const std::string said = output_of(
      "ffprobe -v error -count_frames -of default=noprint_wrappers=1 -show_entries "
      "stream=codec_name,profile,width,height,pix_fmt,color_range,color_space,color_transfer,"
      "color_primaries,r_frame_rate,duration,nb_read_frames " +
      path);
  const bool is_av1 = GetParam() == Codec::av1;
  for (const std::string_view line :
       {is_av1 ? "codec_name=av1" : "codec_name=h264", "profile=Main", "width=96", "height=64",
        "pix_fmt=yuv420p", "color_range=tv", "color_space=bt709", "color_transfer=bt709",
        "color_primaries=bt709", "r_frame_rate=4/1", "duration=2.500000", "nb_read_frames=10"})
    EXPECT_NE(said.find(line), std::string::npos) << line << " not in\n" << said;
}

std::vector<std::uint8_t> given_file(const std::string& name) {
  std::ifstream in(std::string(IMAGINED_SOURCE_DIR) + "/tests/videos/" + name, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

/// The luma of a place on each frame, in the order of their times.
std::vector<int> levels_of(const Mp4Track& track) {
  std::vector<int> levels(track.shown.size(), -1);
  const auto done =
      decode_frames(track, [&](std::size_t index, const FrameView& frame) -> Result<void> {
        levels[index] = frame.planes[0][10 * frame.strides[0] + 10];
        return {};
      });
  EXPECT_TRUE(done) << done.error().detail;
  return levels;
}

// Frames that are kept in another order than they are shown in, beside a track of sound.
TEST(DecodeFrames, ShowsTheFramesOfFfmpegInTheirOrder) {
  if (output_of("ffmpeg -version").empty()) GTEST_SKIP() << "there is no ffmpeg here";
  const TestFolder folder;
  const std::string path = (folder.path() / "grey.mp4").string();
  output_of(
      "ffmpeg -v error -f lavfi -i sine=duration=2 -f lavfi -i "
      "\"color=black:size=64x48:rate=10:duration=2,format=gray,geq=lum='16+N*8'\" "
      "-c:v libx264 -bf 3 -b_strategy 0 -pix_fmt yuv420p -c:a aac -map 0 -map 1 " +
      path);
  std::ifstream in(path, std::ios::binary);
  const std::vector<std::uint8_t> file{std::istreambuf_iterator<char>(in), {}};
  ASSERT_FALSE(file.empty()) << "this ffmpeg has no x264";
  const auto track = read_mp4(file);
  ASSERT_TRUE(track) << track.error().message;
  EXPECT_NEAR(track->seconds, 2, 0.01);
  ASSERT_EQ(track->frames.size(), 20u);
  const std::vector<int> levels = levels_of(*track);
  ASSERT_EQ(levels.size(), 20u);
  EXPECT_TRUE(std::ranges::is_sorted(levels));
  EXPECT_LT(levels.front() + 100, levels.back());
}

TEST(DecodeFrames, ShowsEachFrameOfX264AtItsTimeThoughKeptInAnotherOrder) {
  for (const auto& [name, frames, seconds] :
       {std::tuple{"variable.mp4", 20u, 4.7}, {"held.mp4", 11u, 5.1}, {"keys.mp4", 30u, 3.0}}) {
    const auto file = given_file(name);
    const auto track = read_mp4(file);
    ASSERT_TRUE(track) << name << ": " << track.error().message;
    EXPECT_DOUBLE_EQ(track->seconds, seconds) << name;
    EXPECT_FALSE(std::ranges::is_sorted(track->shown, {}, &Mp4Track::Shown::frame)) << name;
    const std::vector<int> levels = levels_of(*track);
    ASSERT_EQ(levels.size(), frames) << name;
    for (std::size_t i = 1; i < levels.size(); ++i)
      EXPECT_GE(levels[i], levels[i - 1] + 4) << name << ", frame " << i;
  }
}

TEST(DecodeFrames, KnowsWhenFramesOfVariableLengthAreShown) {
  const auto file = given_file("variable.mp4");
  const auto track = read_mp4(file);
  ASSERT_TRUE(track) << track.error().message;
  ASSERT_EQ(track->shown.size(), 20u);
  for (int i = 0; i < 20; ++i)
    EXPECT_DOUBLE_EQ(track->shown[static_cast<std::size_t>(i)].seconds,
                     (i < 10 ? i : 4 * i - 30) / 10.0);
}

TEST(DecodeFrames, LeavesOutFramesThatAreNotShown) {
  const auto file = given_file("variable.mp4");
  auto track = read_mp4(file);
  ASSERT_TRUE(track) << track.error().message;
  const std::vector<int> all = levels_of(*track);
  track->shown.erase(track->shown.begin(), track->shown.begin() + 7);
  EXPECT_EQ(levels_of(*track), std::vector<int>(all.begin() + 7, all.end()));
}

TEST(DecodeFrames, SaysThatAVideoIsInterlaced) {
  const auto why = [](const Mp4Track& track) {
    const auto done =
        decode_frames(track, [](std::size_t, const FrameView&) -> Result<void> { return {}; });
    return done ? "" : done.error().field + ": " + done.error().message;
  };
  const std::string interlaced =
      "video: the video is coded as interlaced (frame_mbs_only_flag is 0); what is read is "
      "progressive (1)";
  const auto file = given_file("interlaced.mp4");
  const auto track = read_mp4(file);
  ASSERT_TRUE(track) << track.error().message;
  EXPECT_EQ(why(*track), interlaced);
  // Or with its frames, whatever stands in front of them.
  const auto other_file = given_file("keys.mp4");
  auto other = read_mp4(other_file);
  ASSERT_TRUE(other);
  ASSERT_EQ(why(*other), "");
  const Bytes sequence = track->parameter_sets.front();
  std::vector<std::uint8_t> first = {0, 0, 0, static_cast<std::uint8_t>(sequence.size())};
  first.insert(first.end(), sequence.begin(), sequence.end());
  first.insert(first.end(), other->frames[0].begin(), other->frames[0].end());
  other->frames[0] = first;
  EXPECT_EQ(why(*other), interlaced);
}

TEST(Frames, AreFoundByTime) {
  const Frames frames{.count = 3, .times = {0, 0.5, 2}, .seconds = 3, .planes = {}};
  EXPECT_EQ(frames.at(0), 0);
  EXPECT_EQ(frames.at(0.498), 0);
  EXPECT_EQ(frames.at(0.4995), 1) << "a file may round to milliseconds";
  EXPECT_EQ(frames.at(1.9), 1);
  EXPECT_EQ(frames.at(2), 2);
  EXPECT_EQ(frames.at(99), 2);
}

TEST(Frames, AreAsFastAsTheyFollowEachOther) {
  Frames frames{.times = {0}, .seconds = 0.5, .planes = {}};
  EXPECT_DOUBLE_EQ(frames.speed(), 2);
  frames.times.clear();
  for (int i = 0; i < 20; ++i) frames.times.push_back((i < 10 ? i : 4 * i - 30) / 10.0);
  frames.seconds = 4.7;
  EXPECT_NEAR(frames.speed(), 10, 1e-9) << "not the 4.3 of all";
}

TEST(DecodeFrames, SaysWhichFramesOfAv1ItDoesNotRead) {
  auto file = file_of(kSmall, 3, Codec::av1);
  const auto track = read_mp4(file);
  ASSERT_TRUE(track) << track.error().message;
  const auto decoded = [](const Mp4Track& changed) {
    return decode_frames(changed, [](std::size_t, const FrameView&) { return Result<void>(); });
  };
  EXPECT_TRUE(decoded(*track));
  Mp4Track other = *track;
  other.width = 64;
  EXPECT_EQ(decoded(other).error().field, "video");
  other = *track;
  other.frames[0] = other.frames[1];  // what the others go on from is not there
  EXPECT_EQ(decoded(other).error().code, ErrorCode::invalid_argument);
}

}  // namespace
}  // namespace imagined::video
