#include "video/h264_encoder.h"

#include <fmt/core.h>
#include <wels/codec_api.h>

#include <cstddef>
#include <span>
#include <utility>

#include "base/check.h"
#include "video/planes.h"

namespace imagined::video {
namespace {

// 0 to 51, less is better: flat drawings come out at about 45 dB.
constexpr int kH264Quantiser = 20;

constexpr std::uint8_t kTypeBits = 0x1F;
constexpr std::uint8_t kSequenceParameters = 7;
constexpr std::uint8_t kPictureParameters = 8;

using Unit = std::span<const std::uint8_t>;

tl::unexpected<Error> refused(const char* what, long code) {
  return fail(ErrorCode::internal, "the video could not be encoded", {},
              fmt::format("openh264: {}: {}", what, code));
}

/// The bytes behind a start code of three or four bytes.
Unit without_start_code(Unit unit) {
  const std::size_t zeros = unit.size() > 2 && unit[2] == 1 ? 2 : 3;
  CHECK(unit.size() > zeros + 1 && unit[zeros] == 1, "a NAL unit without a start code");
  return unit.subspan(zeros + 1);
}

void append_with_length(Unit unit, std::vector<std::uint8_t>& out) {
  for (int shift = 24; shift >= 0; shift -= 8)
    out.push_back(static_cast<std::uint8_t>(unit.size() >> shift));
  out.insert(out.end(), unit.begin(), unit.end());
}

SEncParamExt parameters_of(const VideoShape& shape, SEncParamExt parameters) {
  parameters.iUsageType = CAMERA_VIDEO_REAL_TIME;
  parameters.iPicWidth = shape.width;
  parameters.iPicHeight = shape.height;
  parameters.fMaxFrameRate = static_cast<float>(shape.frames_per_second);
  parameters.iRCMode = RC_OFF_MODE;
  parameters.iMinQp = parameters.iMaxQp = kH264Quantiser;
  parameters.iComplexityMode = HIGH_COMPLEXITY;
  parameters.uiIntraPeriod = static_cast<unsigned>(kSecondsBetweenKeys * shape.frames_per_second);
  parameters.eSpsPpsIdStrategy = CONSTANT_ID;
  parameters.bEnableFrameSkip = false;
  parameters.bEnableSceneChangeDetect = false;
  parameters.bEnableDenoise = false;
  parameters.bEnableBackgroundDetection = false;
  parameters.bEnableAdaptiveQuant = false;
  parameters.bEnableLongTermReference = false;
  parameters.iEntropyCodingModeFlag = 1;
  parameters.iMultipleThreadIdc = 1;
  parameters.iSpatialLayerNum = 1;
  parameters.iTemporalLayerNum = 1;
  SSpatialLayerConfig& layer = parameters.sSpatialLayers[0];
  layer.iVideoWidth = shape.width;
  layer.iVideoHeight = shape.height;
  layer.fFrameRate = parameters.fMaxFrameRate;
  layer.uiProfileIdc = PRO_MAIN;
  layer.iDLayerQp = kH264Quantiser;
  layer.sSliceArgument.uiSliceMode = SM_SINGLE_SLICE;
  layer.bVideoSignalTypePresent = true;
  layer.uiVideoFormat = VF_UNDEF;
  layer.bFullRange = false;
  layer.bColorDescriptionPresent = true;
  layer.uiColorPrimaries = CP_BT709;
  layer.uiTransferCharacteristics = TRC_BT709;
  layer.uiColorMatrix = CM_BT709;
  return parameters;
}

/// One parameter set behind how many there are and its length.
void append_set(Unit set, int reserved, std::vector<std::uint8_t>& out) {
  out.push_back(static_cast<std::uint8_t>(reserved | 1));
  out.push_back(static_cast<std::uint8_t>(set.size() >> 8));
  out.push_back(static_cast<std::uint8_t>(set.size()));
  out.insert(out.end(), set.begin(), set.end());
}

class H264Encoder final : public FrameEncoder {
 public:
  ~H264Encoder() override {
    if (encoder_ == nullptr) return;
    encoder_->Uninitialize();
    WelsDestroySVCEncoder(encoder_);
  }

  Result<void> start(const VideoShape& shape) {
    if (const int code = WelsCreateSVCEncoder(&encoder_); code != 0 || encoder_ == nullptr)
      return refused("create", code);
    int silent = WELS_LOG_QUIET;  // it would write to stderr
    encoder_->SetOption(ENCODER_OPTION_TRACE_LEVEL, &silent);
    SEncParamExt defaults{};
    encoder_->GetDefaultParams(&defaults);
    const SEncParamExt parameters = parameters_of(shape, defaults);
    if (const int code = encoder_->InitializeExt(&parameters); code != cmResultSuccess)
      return refused("initialise", code);
    shape_ = shape;
    return {};
  }

  Result<CodedFrame> encode(const image::PictureView& frame) override {
    CHECK(frame.width == shape_.width && frame.height == shape_.height,
          "a frame of {} x {} in a video of {} x {}", frame.width, frame.height, shape_.width,
          shape_.height);
    write_planes(frame, planes_);
    SSourcePicture source{};
    source.iColorFormat = videoFormatI420;
    source.iPicWidth = planes_.width;
    source.iPicHeight = planes_.height;
    source.iStride[0] = planes_.width;
    source.iStride[1] = source.iStride[2] = planes_.width / 2;
    source.pData[0] = planes_.y.data();
    source.pData[1] = planes_.cb.data();
    source.pData[2] = planes_.cr.data();
    source.uiTimeStamp = 1000LL * frames_++ / shape_.frames_per_second;
    SFrameBSInfo coded{};
    if (const int code = encoder_->EncodeFrame(&source, &coded); code != cmResultSuccess)
      return refused("encode", code);
    CodedFrame result{.bytes = {}, .is_key = coded.eFrameType == videoFrameTypeIDR};
    for (int i = 0; i < coded.iLayerNum; ++i) take_layer(coded.sLayerInfo[i], result.bytes);
    if (result.bytes.empty()) return refused("no bytes for a frame", coded.eFrameType);
    return result;
  }

  // Source: ISO/IEC 14496-15, 5.3.3.
  SampleEntry sample_entry() const override {
    CHECK(sequence_.size() >= 4 && !picture_.empty(), "a video without parameter sets");
    std::vector<std::uint8_t> content = {1};
    content.insert(content.end(), sequence_.begin() + 1, sequence_.begin() + 4);  // profile, level
    content.push_back(0xFC | 3);  // lengths have four bytes
    append_set(sequence_, 0xE0, content);
    append_set(picture_, 0, content);
    return {.type = "avc1", .configuration_type = "avcC", .configuration = std::move(content)};
  }

 private:
  void take_layer(const SLayerBSInfo& layer, std::vector<std::uint8_t>& out) {
    const std::uint8_t* start = layer.pBsBuf;
    for (int i = 0; i < layer.iNalCount; ++i) {
      const auto size = static_cast<std::size_t>(layer.pNalLengthInByte[i]);
      const Unit unit = without_start_code({start, size});
      start += size;
      const int type = unit[0] & kTypeBits;
      if (type == kSequenceParameters) {
        sequence_.assign(unit.begin(), unit.end());
      } else if (type == kPictureParameters) {
        picture_.assign(unit.begin(), unit.end());
      } else {
        append_with_length(unit, out);
      }
    }
  }

  ISVCEncoder* encoder_ = nullptr;
  VideoShape shape_;
  Planes planes_;
  std::vector<std::uint8_t> sequence_;  // parameters: NAL units without start codes
  std::vector<std::uint8_t> picture_;
  long long frames_ = 0;
};

}  // namespace

Result<std::unique_ptr<FrameEncoder>> make_h264_encoder(const VideoShape& shape) {
  auto encoder = std::make_unique<H264Encoder>();
  TRY(encoder->start(shape));
  return encoder;
}

}  // namespace imagined::video
