#include "video/h264_decoder.h"

#include <fmt/core.h>
#include <wels/codec_api.h>

#include <algorithm>
#include <span>
#include <vector>

#include "video/h264_sequence.h"

namespace imagined::video {
namespace {

class OpenH264 {
 public:
  ~OpenH264() { stop(); }

  /// Of a decoder that was started before nothing stays.
  Result<void> start() {
    stop();
    if (WelsCreateDecoder(&decoder_) != 0 || decoder_ == nullptr) return not_decoded("create");
    int silent = WELS_LOG_QUIET;  // it would write to stderr
    decoder_->SetOption(DECODER_OPTION_TRACE_LEVEL, &silent);
    SDecodingParam parameters{};
    parameters.sVideoProperty.eVideoBsType = VIDEO_BITSTREAM_AVC;
    parameters.eEcActiveIdc = ERROR_CON_DISABLE;  // a frame that is damaged is not guessed at
    if (decoder_->Initialize(&parameters) != cmResultSuccess) return not_decoded("initialise");
    return {};
  }

  /// The units of a frame, or of none; what they bring forth goes to `take`, which may be an
  /// earlier frame.
  Result<void> give(std::size_t index, std::span<const Mp4Track::Bytes> units,
                    const TakeFrame& take) {
    with_codes_.clear();
    for (const Mp4Track::Bytes unit : units) {
      if (is_h264_sequence(unit)) TRY(check_h264_sequence(unit));
      with_codes_.insert(with_codes_.end(), {0, 0, 0, 1});
      with_codes_.insert(with_codes_.end(), unit.begin(), unit.end());
    }
    unsigned char* planes[3] = {};
    SBufferInfo info{};
    info.uiInBsTimeStamp = index;  // which its picture comes back with
    const DECODING_STATE state = decoder_->DecodeFrameNoDelay(
        with_codes_.data(), static_cast<int>(with_codes_.size()), planes, &info);
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
    return take(static_cast<std::size_t>(info.uiOutYuvTimeStamp),
                FrameView{.width = buffer.iWidth,
                          .height = buffer.iHeight,
                          .planes = {info.pDst[0], info.pDst[1], info.pDst[2]},
                          .strides = {buffer.iStride[0], buffer.iStride[1], buffer.iStride[1]}});
  }

  void stop() {
    if (decoder_ == nullptr) return;
    decoder_->Uninitialize();
    WelsDestroyDecoder(decoder_);
    decoder_ = nullptr;
  }

  ISVCDecoder* decoder_ = nullptr;
  std::vector<std::uint8_t> with_codes_;
};

/// Whether a frame needs none before it, nor does any behind it (IDR).
bool begins_anew(std::span<const Mp4Track::Bytes> units) {
  constexpr int kIdr = 5;
  return std::ranges::any_of(units,
                             [](Mp4Track::Bytes unit) { return (unit.front() & 0x1F) == kIdr; });
}

}  // namespace

Result<void> decode_h264(const Mp4Track& track, const TakeFrame& take) {
  OpenH264 library;
  std::size_t held = 0;
  const auto take_counted = [&](std::size_t index, const FrameView& frame) {
    --held;
    return take(index, frame);
  };
  const auto start = [&]() -> Result<void> {
    TRY(library.start());
    for (const Mp4Track::Bytes set : track.parameter_sets)
      TRY(library.give(0, std::span(&set, 1), take_counted));
    return {};
  };
  TRY(start());
  for (std::size_t i = 0; i < track.frames.size(); ++i) {
    const std::vector<Mp4Track::Bytes> units = TRY(units_of(track, track.frames[i]));
    // openh264 2.3.1 holds frames back over an IDR, and draws the next ones into their memory;
    // flushed, it goes on wrongly.
    if (held > 0 && begins_anew(units)) {
      TRY(library.finish(take_counted));
      TRY(start());
      held = 0;
    }
    ++held;
    TRY(library.give(i, units, take_counted));
  }
  return library.finish(take_counted);
}

}  // namespace imagined::video
