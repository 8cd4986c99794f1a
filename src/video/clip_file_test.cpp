#include "video/clip_file.h"

#include <gtest/gtest.h>
#include <wels/codec_api.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>
#include <string_view>

#include "base/check.h"
#include "base/folder_testing.h"
#include "video/planes.h"

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

std::vector<std::uint8_t> file_of(const VideoShape& shape, int frames) {
  auto file = ClipFile::begin(shape);
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
    if (type == "avc1") skip = 78;
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

/// The mean square error of luma, as dB, of what openh264 decodes of a file.
class Decoded {
 public:
  explicit Decoded(Bytes file) {
    EXPECT_EQ(WelsCreateDecoder(&decoder_), 0);
    SDecodingParam parameters{};
    parameters.sVideoProperty.eVideoBsType = VIDEO_BITSTREAM_AVC;
    EXPECT_EQ(decoder_->Initialize(&parameters), 0);
    const Read boxes = read(file);
    const Bytes configuration = boxes.table("stsd/avc1/avcC");
    const std::size_t sequence_size = configuration[6] * 256u + configuration[7];
    give(configuration.subspan(8, sequence_size));
    const Bytes rest = configuration.subspan(8 + sequence_size + 1);
    give(rest.subspan(2, rest[0] * 256u + rest[1]));
    const Bytes sizes = boxes.table("stsz");
    std::size_t offset = u32(boxes.table("stco"), 8);
    for (std::uint32_t i = 0; i < u32(sizes, 8); ++i) {
      const Bytes sample = file.subspan(offset, u32(sizes, 12 + 4 * i));
      offset += sample.size();
      for (std::size_t at = 0; at < sample.size(); at += 4 + u32(sample, at))
        give(sample.subspan(at + 4, u32(sample, at)));
    }
    unsigned char* planes[3] = {};  // it holds one back, which might come after a later one
    SBufferInfo info{};
    while (decoder_->FlushFrame(planes, &info) == dsErrorFree && info.iBufferStatus == 1) {
      keep(info);
      info = {};
    }
  }
  ~Decoded() {
    decoder_->Uninitialize();
    WelsDestroyDecoder(decoder_);
  }

  std::size_t frames() const { return luma_.size(); }

  double decibel(std::size_t frame, const image::Picture& expected) const {
    Planes planes;
    write_planes(expected.view(), planes);
    CHECK(frame < luma_.size() && luma_[frame].size() == planes.y.size(), "frame {}", frame);
    double sum = 0;
    for (std::size_t i = 0; i < planes.y.size(); ++i)
      sum += std::pow(double(planes.y[i]) - double(luma_[frame][i]), 2);
    return 10 * std::log10(255.0 * 255.0 * double(planes.y.size()) / std::max(sum, 1.0));
  }

 private:
  void give(Bytes unit) {
    std::vector<std::uint8_t> with_code = {0, 0, 0, 1};
    with_code.insert(with_code.end(), unit.begin(), unit.end());
    unsigned char* planes[3] = {};
    SBufferInfo info{};
    EXPECT_EQ(decoder_->DecodeFrameNoDelay(with_code.data(), static_cast<int>(with_code.size()),
                                           planes, &info),
              dsErrorFree);
    if (info.iBufferStatus == 1) keep(info);
  }
  void keep(const SBufferInfo& info) {
    const SSysMEMBuffer& buffer = info.UsrData.sSystemBuffer;
    std::vector<std::uint8_t>& luma = luma_.emplace_back();
    for (int y = 0; y < buffer.iHeight; ++y)
      luma.insert(luma.end(), info.pDst[0] + y * buffer.iStride[0],
                  info.pDst[0] + y * buffer.iStride[0] + buffer.iWidth);
  }

  ISVCDecoder* decoder_ = nullptr;
  std::vector<std::vector<std::uint8_t>> luma_;
};

constexpr VideoShape kSmall{.width = 96, .height = 64, .frames_per_second = 4};

TEST(ClipFile, GivesEveryFrameBackNearlyAsItWas) {
  const auto file = file_of(kSmall, 12);
  const Decoded decoded(file);
  ASSERT_EQ(decoded.frames(), 12u);
  // A frame against its neighbour, the likeliest mistake, comes to 33 dB.
  for (std::size_t i = 0; i < 12; ++i)
    EXPECT_GT(decoded.decibel(i, frame_at(kSmall, static_cast<int>(i))), 38) << i;
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

TEST(ClipFile, PointsAtFramesThatFillTheRestOfTheFile) {
  const auto file = file_of(kSmall, 5);
  const Read boxes = read(file);
  const Bytes sizes = boxes.table("stsz");
  std::size_t end = u32(boxes.table("stco"), 8);
  EXPECT_EQ(file.data() + end, boxes.at("/mdat").data());
  for (std::uint32_t i = 0; i < 5; ++i) end += u32(sizes, 12 + 4 * i);
  EXPECT_EQ(end, file.size());
}

TEST(ClipFile, CanBeginEveryTwoSeconds) {
  const auto file = file_of(kSmall, 17);
  const Bytes keys = read(file).table("stss");
  ASSERT_EQ(u32(keys, 4), 3u);
  EXPECT_EQ(u32(keys, 8), 1u);
  EXPECT_EQ(u32(keys, 12), 9u);
  EXPECT_EQ(u32(keys, 16), 17u);
}

TEST(ClipFile, IsTheSameForTheSameFrames) { EXPECT_EQ(file_of(kSmall, 9), file_of(kSmall, 9)); }

TEST(ClipFile, TakesTheSizesThatAreOffered) {
  for (const auto& [width, height] : {std::pair{848, 480}, {480, 848}, {720, 720}, {1280, 720}}) {
    const VideoShape shape{.width = width, .height = height, .frames_per_second = 4};
    const auto file = file_of(shape, 2);
    EXPECT_GT(Decoded(file).decibel(1, frame_at(shape, 1)), 38);
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

TEST(ClipFile, IsWhatFfprobeTakesItFor) {
  if (output_of("ffprobe -version").empty()) GTEST_SKIP() << "there is no ffprobe here";
  const TestFolder folder;
  const auto file = file_of(kSmall, 10);
  const std::string path =
      folder.write("clip.mp4", {reinterpret_cast<const char*>(file.data()), file.size()}).string();
  const std::string said = output_of(
      "ffprobe -v error -count_frames -of default=noprint_wrappers=1 -show_entries "
      "stream=codec_name,profile,width,height,pix_fmt,color_range,color_space,color_transfer,"
      "color_primaries,r_frame_rate,duration,nb_read_frames " +
      path);
  for (const std::string_view line :
       {"codec_name=h264", "profile=Main", "width=96", "height=64", "pix_fmt=yuv420p",
        "color_range=tv", "color_space=bt709", "color_transfer=bt709", "color_primaries=bt709",
        "r_frame_rate=4/1", "duration=2.500000", "nb_read_frames=10"})
    EXPECT_NE(said.find(line), std::string::npos) << line << " not in\n" << said;
}

}  // namespace
}  // namespace imagined::video
