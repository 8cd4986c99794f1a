#include "video/clip_file.h"

#include <utility>

#include "video/mp4_write.h"

namespace imagined::video {

ClipFile::ClipFile(const VideoShape& shape, std::unique_ptr<FrameEncoder> encoder)
    : shape_(shape), encoder_(std::move(encoder)) {}

Result<ClipFile> ClipFile::begin(const VideoShape& shape, Codec codec) {
  auto encoder = TRY(make_encoder(codec, shape));
  return ClipFile(shape, std::move(encoder));
}

Result<void> ClipFile::add(const image::PictureView& frame) {
  frames_.push_back(TRY(encoder_->encode(frame)));
  return {};
}

std::vector<std::uint8_t> ClipFile::finish(std::string_view xmp) const {
  return write_mp4(shape_, encoder_->sample_entry(), frames_, xmp);
}

}  // namespace imagined::video
