#include "video/h264_decoder.h"

#include <fmt/core.h>
#include <wels/codec_api.h>

#include <vector>

namespace imagined::video {
namespace {

class OpenH264 {
 public:
  ~OpenH264() {
    if (decoder_ == nullptr) return;
    decoder_->Uninitialize();
    WelsDestroyDecoder(decoder_);
  }

  Result<void> start() {
    if (WelsCreateDecoder(&decoder_) != 0 || decoder_ == nullptr) return not_decoded("create");
    int silent = WELS_LOG_QUIET;  // it would write to stderr
    decoder_->SetOption(DECODER_OPTION_TRACE_LEVEL, &silent);
    SDecodingParam parameters{};
    parameters.sVideoProperty.eVideoBsType = VIDEO_BITSTREAM_AVC;
    parameters.eEcActiveIdc = ERROR_CON_DISABLE;  // a frame that is damaged is not guessed at
    if (decoder_->Initialize(&parameters) != cmResultSuccess) return not_decoded("initialise");
    return {};
  }

  /// One NAL unit; what it brings forth goes to `take`.
  Result<void> give(Mp4Track::Bytes unit, const TakeFrame& take) {
    with_code_.assign({0, 0, 0, 1});
    with_code_.insert(with_code_.end(), unit.begin(), unit.end());
    unsigned char* planes[3] = {};
    SBufferInfo info{};
    const DECODING_STATE state = decoder_->DecodeFrameNoDelay(
        with_code_.data(), static_cast<int>(with_code_.size()), planes, &info);
    if (state != dsErrorFree) return not_decoded(fmt::format("openh264: {}", int{state}));
    return keep(info, take);
  }

  /// Those that were held back because others might be shown before.
  Result<void> finish(const TakeFrame& take) {
    while (true) {
      unsigned char* planes[3] = {};
      SBufferInfo info{};
      if (decoder_->FlushFrame(planes, &info) != dsErrorFree || info.iBufferStatus != 1) return {};
      TRY(keep(info, take));
    }
  }

 private:
  static Result<void> keep(const SBufferInfo& info, const TakeFrame& take) {
    if (info.iBufferStatus != 1) return {};
    const SSysMEMBuffer& buffer = info.UsrData.sSystemBuffer;
    return take(FrameView{.width = buffer.iWidth,
                          .height = buffer.iHeight,
                          .planes = {info.pDst[0], info.pDst[1], info.pDst[2]},
                          .strides = {buffer.iStride[0], buffer.iStride[1], buffer.iStride[1]}});
  }

  ISVCDecoder* decoder_ = nullptr;
  std::vector<std::uint8_t> with_code_;
};

}  // namespace

Result<void> decode_h264(const Mp4Track& track, const TakeFrame& take) {
  OpenH264 library;
  TRY(library.start());
  for (const Mp4Track::Bytes set : track.parameter_sets) TRY(library.give(set, take));
  for (const Mp4Track::Bytes frame : track.frames)
    for (const Mp4Track::Bytes unit : TRY(units_of(track, frame))) TRY(library.give(unit, take));
  return library.finish(take);
}

}  // namespace imagined::video
