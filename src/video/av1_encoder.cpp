#include "video/av1_encoder.h"

#include <aom/aom_encoder.h>
#include <aom/aomcx.h>
#include <fmt/core.h>

#include <cstddef>
#include <cstdlib>
#include <span>
#include <utility>

#include "base/check.h"
#include "video/planes.h"

namespace imagined::video {
namespace {

// 0 to 63, less is better: a flat drawing comes out at the same decibels as by H.264's encoder.
constexpr int kAv1Quantiser = 10;
constexpr int kSpeed = 8;  // 0 to 10; as fast as H.264's encoder, within a factor of two

constexpr std::uint8_t kTemporalDelimiter = 2;  // the type of an OBU

tl::unexpected<Error> refused_by_aom(const char* what, aom_codec_ctx_t& codec) {
  const char* const detail = aom_codec_error_detail(&codec);
  return fail(ErrorCode::internal, "the video could not be encoded", {},
              fmt::format("libaom: {}: {} {}", what, aom_codec_error(&codec),
                          detail == nullptr ? "" : detail));
}

/// Bits from the front on, the highest first.
class BitReader {
 public:
  explicit BitReader(std::span<const std::uint8_t> bytes) : bytes_(bytes) {}
  std::uint32_t read(int count) {
    std::uint32_t value = 0;
    for (; count > 0; --count, ++at_) {
      CHECK(at_ / 8 < bytes_.size(), "a sequence header of {} bytes", bytes_.size());
      value = value << 1 | (bytes_[at_ / 8] >> (7 - at_ % 8) & 1u);
    }
    return value;
  }

 private:
  std::span<const std::uint8_t> bytes_;
  std::size_t at_ = 0;
};

/// The content of av1C around a sequence header as our own encoder writes it: one operating point,
/// no timing, 4:2:0 of 8 bits. Source: AV1 Codec ISO Media File Format Binding, 2.3.3; AV1, 5.5.1.
std::vector<std::uint8_t> configuration_of(std::span<const std::uint8_t> sequence_header) {
  constexpr std::size_t kObuHeader = 2;  // its type, and a size below 128
  BitReader bits(sequence_header.subspan(kObuHeader));
  const std::uint32_t profile = bits.read(3);
  const std::uint32_t still_and_reduced = bits.read(2);
  const std::uint32_t timing_and_delay = bits.read(2);
  const std::uint32_t more_operating_points = bits.read(5);
  CHECK(still_and_reduced == 0 && timing_and_delay == 0 && more_operating_points == 0,
        "a sequence header that is not ours");
  bits.read(12);  // what the operating point takes in
  const std::uint32_t level = bits.read(5);
  const std::uint32_t tier = level > 7 ? bits.read(1) : 0;
  constexpr std::uint32_t kBothHalved = 0b1100;  // colour differences, both ways
  std::vector<std::uint8_t> content = {
      0x81,  // a mark, version 1
      static_cast<std::uint8_t>(profile << 5 | level),
      static_cast<std::uint8_t>(tier << 7 | kBothHalved),
      0,  // nothing about how long a decoder may wait
  };
  content.insert(content.end(), sequence_header.begin(), sequence_header.end());
  return content;
}

class Av1Encoder final : public FrameEncoder {
 public:
  explicit Av1Encoder(const VideoShape& shape) : shape_(shape) {}
  ~Av1Encoder() override {
    if (started_) aom_codec_destroy(&codec_);
  }

  Result<void> start() {
    aom_codec_iface_t* const library = aom_codec_av1_cx();
    aom_codec_enc_cfg_t config{};
    if (aom_codec_enc_config_default(library, &config, AOM_USAGE_REALTIME) != AOM_CODEC_OK)
      return fail(ErrorCode::internal, "the video could not be encoded", {}, "libaom: defaults");
    config.g_w = static_cast<unsigned>(shape_.width);
    config.g_h = static_cast<unsigned>(shape_.height);
    config.g_timebase = {1, shape_.frames_per_second};
    config.g_threads = 1;
    config.g_lag_in_frames = 0;  // a frame goes in, a frame comes out
    config.rc_end_usage = AOM_Q;
    config.rc_min_quantizer = config.rc_max_quantizer = kAv1Quantiser;
    config.kf_mode = AOM_KF_AUTO;
    config.kf_max_dist = static_cast<unsigned>(kSecondsBetweenKeys * shape_.frames_per_second);
    config.kf_min_dist = config.kf_max_dist;
    if (aom_codec_enc_init(&codec_, library, &config, 0) != AOM_CODEC_OK)
      return refused_by_aom("initialise", codec_);
    started_ = true;
    const std::pair<int, int> controls[] = {{AOME_SET_CPUUSED, kSpeed},
                                            {AOME_SET_CQ_LEVEL, kAv1Quantiser},
                                            {AV1E_SET_COLOR_PRIMARIES, AOM_CICP_CP_BT_709},
                                            {AV1E_SET_TRANSFER_CHARACTERISTICS, AOM_CICP_TC_BT_709},
                                            {AV1E_SET_MATRIX_COEFFICIENTS, AOM_CICP_MC_BT_709},
                                            {AV1E_SET_COLOR_RANGE, AOM_CR_STUDIO_RANGE}};
    for (const auto& [control, value] : controls)
      if (aom_codec_control(&codec_, control, value) != AOM_CODEC_OK)
        return refused_by_aom("control", codec_);
    return {};
  }

  Result<CodedFrame> encode(const image::PictureView& frame) override {
    CHECK(frame.width == shape_.width && frame.height == shape_.height,
          "a frame of {} x {} in a video of {} x {}", frame.width, frame.height, shape_.width,
          shape_.height);
    write_planes(frame, planes_);
    if (aom_codec_encode(&codec_, view_of_planes(), frames_++, 1, 0) != AOM_CODEC_OK)
      return refused_by_aom("encode", codec_);
    CodedFrame coded;
    aom_codec_iter_t at = nullptr;
    while (const aom_codec_cx_pkt_t* const packet = aom_codec_get_cx_data(&codec_, &at)) {
      if (packet->kind != AOM_CODEC_CX_FRAME_PKT) continue;
      const auto* const bytes = static_cast<const std::uint8_t*>(packet->data.frame.buf);
      coded.bytes.insert(coded.bytes.end(), bytes, bytes + packet->data.frame.sz);
      coded.is_key = coded.is_key || (packet->data.frame.flags & AOM_FRAME_IS_KEY) != 0;
    }
    take_off_delimiter(coded.bytes);
    if (coded.bytes.empty()) return refused_by_aom("no bytes for a frame", codec_);
    return coded;
  }

  SampleEntry sample_entry() const override {
    aom_fixed_buf_t* const header = aom_codec_get_global_headers(&codec_);
    CHECK(header != nullptr && header->sz > 2, "no sequence header");
    SampleEntry entry{.type = "av01",
                      .configuration_type = "av1C",
                      .configuration = configuration_of(
                          {static_cast<const std::uint8_t*>(header->buf), header->sz})};
    std::free(header->buf);
    std::free(header);
    return entry;
  }

 private:
  const aom_image_t* view_of_planes() {
    aom_img_wrap(&image_, AOM_IMG_FMT_I420, static_cast<unsigned>(planes_.width),
                 static_cast<unsigned>(planes_.height), 1, planes_.y.data());
    std::uint8_t* const planes[] = {planes_.y.data(), planes_.cb.data(), planes_.cr.data()};
    for (int i = 0; i < 3; ++i) {
      image_.planes[i] = planes[i];
      image_.stride[i] = i == 0 ? planes_.width : planes_.width / 2;
    }
    image_.cp = AOM_CICP_CP_BT_709;
    image_.tc = AOM_CICP_TC_BT_709;
    image_.mc = AOM_CICP_MC_BT_709;
    image_.range = AOM_CR_STUDIO_RANGE;
    return &image_;
  }

  // Which a file keeps none of: its table says where a unit begins.
  static void take_off_delimiter(std::vector<std::uint8_t>& bytes) {
    if (bytes.size() > 2 && (bytes[0] >> 3 & 0xF) == kTemporalDelimiter && bytes[1] == 0)
      bytes.erase(bytes.begin(), bytes.begin() + 2);
  }

  const VideoShape shape_;
  mutable aom_codec_ctx_t codec_{};  // the library asks for its headers without const
  bool started_ = false;
  Planes planes_;
  aom_image_t image_{};
  aom_codec_pts_t frames_ = 0;
};

}  // namespace

Result<std::unique_ptr<FrameEncoder>> make_av1_encoder(const VideoShape& shape) {
  auto encoder = std::make_unique<Av1Encoder>(shape);
  TRY(encoder->start());
  return encoder;
}

}  // namespace imagined::video
