// What a picture's numbers mean as colours, where its file says so; read as sRGB, the colours of a
// wider space (an iPhone's Display P3, Adobe RGB) would be too pale.
#pragma once

#include <cstdint>
#include <span>

#include "image/format.h"
#include "image/picture.h"

namespace imagined::image {

/// Converts the pixels that `file` was decoded to, in place and but for alpha, from the colours
/// that it names to sRGB: by the ICC profile of a JPEG, PNG or WebP (perceptually, as Pillow's
/// `ImageCms.profileToProfile`), or Display P3 by a PNG's cICP chunk. Leaves every byte as it is
/// for sRGB itself (a profile that moves no colour by more than rounding does), and when nothing of
/// use is named: a profile above 1 MiB, a broken one, one of inks or for grey pictures where this
/// is none. GIFs and pictures of four inks have none that is read, nor are PNG's gAMA and cHRM:
/// files of sRGB have them too, and its curve is what gAMA cannot say. 0.1 s for 12 megapixels.
void convert_to_srgb(Picture& picture, std::span<const std::uint8_t> file, Format format);

}  // namespace imagined::image
