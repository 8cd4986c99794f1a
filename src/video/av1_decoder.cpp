#include "video/av1_decoder.h"

#include <dav1d/dav1d.h>
#include <fmt/core.h>

#include <cerrno>

namespace imagined::video {
namespace {

class Dav1d {
 public:
  ~Dav1d() {
    if (decoder_ != nullptr) dav1d_close(&decoder_);
  }

  Result<void> start() {
    Dav1dSettings settings{};
    dav1d_default_settings(&settings);
    settings.n_threads = 1;  // a locked-in child may start none
    settings.max_frame_delay = 1;
    settings.frame_size_limit = static_cast<unsigned>(kReadPixelsMax);
    settings.all_layers = 0;
    settings.logger = {};  // it would write to stderr
    if (const int code = dav1d_open(&decoder_, &settings); code < 0)
      return not_decoded(fmt::format("dav1d: open: {}", code));
    return {};
  }

  /// A temporal unit, or the headers before the first; what it brings forth goes to `take`.
  Result<void> give(std::size_t index, Mp4Track::Bytes unit, const TakeFrame& take) {
    Dav1dData data{};
    const auto keep = [](const std::uint8_t*, void*) {};  // the file outlives the decoder
    if (const int code = dav1d_data_wrap(&data, unit.data(), unit.size(), keep, nullptr); code < 0)
      return not_decoded(fmt::format("dav1d: wrap: {}", code));
    data.m.timestamp = static_cast<std::int64_t>(index);  // which its picture comes back with
    const auto given = give(data, take);
    dav1d_data_unref(&data);
    return given;
  }

 private:
  Result<void> give(Dav1dData& data, const TakeFrame& take) {
    while (data.sz > 0) {
      const int code = dav1d_send_data(decoder_, &data);
      if (code < 0 && code != DAV1D_ERR(EAGAIN))
        return not_decoded(fmt::format("dav1d: send: {}", code));
      const int taken = TRY(take_all(take));
      if (code < 0 && taken == 0) return not_decoded("dav1d: neither takes nor gives");
    }
    return {};
  }

  /// How many there were.
  Result<int> take_all(const TakeFrame& take) {
    for (int taken = 0;; ++taken) {
      Dav1dPicture picture{};
      const int code = dav1d_get_picture(decoder_, &picture);
      if (code == DAV1D_ERR(EAGAIN)) return taken;
      if (code < 0) return not_decoded(fmt::format("dav1d: get: {}", code));
      const auto done = take_one(picture, take);
      dav1d_picture_unref(&picture);
      if (!done) return tl::unexpected(done.error());
    }
  }

  static Result<void> take_one(const Dav1dPicture& picture, const TakeFrame& take) {
    if (picture.p.layout != DAV1D_PIXEL_LAYOUT_I420 || picture.p.bpc != 8)
      return other_samples(picture.p.bpc, picture.p.layout == DAV1D_PIXEL_LAYOUT_I420);
    const auto plane = [&](int index) {
      return static_cast<const std::uint8_t*>(picture.data[index]);
    };
    const int luma = static_cast<int>(picture.stride[0]);
    const int difference = static_cast<int>(picture.stride[1]);
    return take(static_cast<std::size_t>(picture.m.timestamp),
                FrameView{.width = picture.p.w,
                          .height = picture.p.h,
                          .planes = {plane(0), plane(1), plane(2)},
                          .strides = {luma, difference, difference}});
  }

  Dav1dContext* decoder_ = nullptr;
};

}  // namespace

Result<void> decode_av1(const Mp4Track& track, const TakeFrame& take) {
  Dav1d library;
  TRY(library.start());
  for (const Mp4Track::Bytes headers : track.parameter_sets) TRY(library.give(0, headers, take));
  for (std::size_t i = 0; i < track.frames.size(); ++i) TRY(library.give(i, track.frames[i], take));
  return {};
}

}  // namespace imagined::video
