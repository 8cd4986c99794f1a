#include "image/exif.h"

#include <algorithm>
#include <string_view>

#include "image/bytes.h"
#include "image/chunks.h"
#include "image/jpeg_markers.h"

namespace imagined::image {
namespace {

constexpr std::uint32_t kOrientationTag = 274;
constexpr std::uint32_t kShortType = 3;  // 16 bits
constexpr std::size_t kEntryBytes = 12;
constexpr std::string_view kExifPrefix("Exif\0\0",
                                       6);  // of JPEG's segment; some put it in WebP too

Bytes without_prefix(Bytes exif) {
  return begins_with(exif, kExifPrefix) ? exif.subspan(kExifPrefix.size()) : exif;
}

}  // namespace

Orientation orientation_in_exif(Bytes exif) {
  const bool little = begins_with(exif, std::string_view("II*\0", 4));
  if (!little && !begins_with(exif, std::string_view("MM\0*", 4))) return Orientation::upright;
  const auto number = [&](std::size_t at, int count) {
    return little ? little_endian(exif, at, count) : big_endian(exif, at, count);
  };
  if (exif.size() < 8) return Orientation::upright;
  const std::size_t directory = number(4, 4);
  if (directory > exif.size() || exif.size() - directory < 2) return Orientation::upright;
  const std::size_t room = (exif.size() - directory - 2) / kEntryBytes;
  const std::size_t entries = std::min<std::size_t>(number(directory, 2), room);
  for (std::size_t i = 0; i < entries; ++i) {
    const std::size_t entry = directory + 2 + i * kEntryBytes;
    if (number(entry, 2) != kOrientationTag) continue;
    const std::uint32_t value = number(entry + 8, 2);
    const bool sound = number(entry + 2, 2) == kShortType && value >= 1 && value <= 8;
    return sound ? static_cast<Orientation>(value) : Orientation::upright;
  }
  return Orientation::upright;
}

Orientation read_orientation(Bytes file, Format format) {
  switch (format) {
    case Format::jpeg:
      return orientation_in_exif(without_prefix(read_jpeg_markers(file).exif));
    case Format::png:
      return orientation_in_exif(find_png_chunk(file, "eXIf"));
    case Format::webp:
      return orientation_in_exif(without_prefix(find_webp_chunk(file, "EXIF")));
    case Format::gif:  // has none
      break;
  }
  return Orientation::upright;
}

Picture turned(Picture picture, Orientation orientation) {
  if (orientation == Orientation::upright) return picture;
  const bool swaps = swaps_sides(orientation);
  Picture out{.width = swaps ? picture.height : picture.width,
              .height = swaps ? picture.width : picture.height,
              .channels = picture.channels,
              .pixels = std::vector<std::uint8_t>(picture.pixels.size())};
  // Where (x, y) of the result lies in the stored picture: sides exchanged or not, then counted
  // from the left or the right, from the top or the bottom.
  using enum Orientation;
  const bool from_right = orientation == mirrored || orientation == upside_down ||
                          orientation == anti_transposed || orientation == turned_right;
  const bool from_bottom = orientation == upside_down || orientation == flipped ||
                           orientation == turned_left || orientation == anti_transposed;
  const auto channels = static_cast<std::size_t>(picture.channels);
  std::uint8_t* to = out.pixels.data();
  for (int y = 0; y < out.height; ++y) {
    for (int x = 0; x < out.width; ++x, to += channels) {
      const int column = swaps ? y : x;
      const int row = swaps ? x : y;
      const int from_x = from_right ? picture.width - 1 - column : column;
      const int from_y = from_bottom ? picture.height - 1 - row : row;
      const std::size_t pixel =
          static_cast<std::size_t>(from_y) * static_cast<std::size_t>(picture.width) +
          static_cast<std::size_t>(from_x);
      std::copy_n(picture.pixels.data() + pixel * channels, channels, to);
    }
  }
  return out;
}

}  // namespace imagined::image
