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
constexpr int kQuantiser = 20;
constexpr int kSecondsBetweenKeys = 2;  // what a player that jumps has to decode at most

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
  parameters.iMinQp = parameters.iMaxQp = kQuantiser;
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
  layer.iDLayerQp = kQuantiser;
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

}  // namespace

class H264Encoder::Library {
 public:
  ~Library() {
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

  Result<CodedFrame> encode(const image::PictureView& frame) {
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

  const ParameterSets& parameter_sets() const { return parameter_sets_; }

 private:
  void take_layer(const SLayerBSInfo& layer, std::vector<std::uint8_t>& out) {
    const std::uint8_t* start = layer.pBsBuf;
    for (int i = 0; i < layer.iNalCount; ++i) {
      const auto size = static_cast<std::size_t>(layer.pNalLengthInByte[i]);
      const Unit unit = without_start_code({start, size});
      start += size;
      const int type = unit[0] & kTypeBits;
      if (type == kSequenceParameters) {
        parameter_sets_.sequence.assign(unit.begin(), unit.end());
      } else if (type == kPictureParameters) {
        parameter_sets_.picture.assign(unit.begin(), unit.end());
      } else {
        append_with_length(unit, out);
      }
    }
  }

  ISVCEncoder* encoder_ = nullptr;
  VideoShape shape_;
  Planes planes_;
  ParameterSets parameter_sets_;
  long long frames_ = 0;
};

H264Encoder::H264Encoder(std::unique_ptr<Library> library) : library_(std::move(library)) {}
H264Encoder::~H264Encoder() = default;

Result<std::unique_ptr<H264Encoder>> H264Encoder::make(const VideoShape& shape) {
  const auto is_side = [](int side) {
    return side >= 16 && side <= kVideoSideMax && side % 2 == 0;
  };
  CHECK(is_side(shape.width) && is_side(shape.height), "a video of {} x {}", shape.width,
        shape.height);
  CHECK(shape.frames_per_second >= 1 && shape.frames_per_second <= kFramesPerSecondMax,
        "a video of {} frames per second", shape.frames_per_second);
  auto library = std::make_unique<Library>();
  TRY(library->start(shape));
  return std::unique_ptr<H264Encoder>(new H264Encoder(std::move(library)));
}

Result<CodedFrame> H264Encoder::encode(const image::PictureView& frame) {
  return library_->encode(frame);
}

const ParameterSets& H264Encoder::parameter_sets() const { return library_->parameter_sets(); }

}  // namespace imagined::video
