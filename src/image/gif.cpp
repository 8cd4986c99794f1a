// The first picture of a GIF by giflib.
#include <gif_lib.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "image/box_filter.h"
#include "image/bytes.h"
#include "image/decode_format.h"

namespace imagined::image {
namespace {

struct Close {
  void operator()(GifFileType* gif) const { DGifCloseFile(gif, nullptr); }
};
using Gif = std::unique_ptr<GifFileType, Close>;

int read_bytes(GifFileType* gif, GifByteType* out, int count) {
  Bytes& left = *static_cast<Bytes*>(gif->UserData);
  const std::size_t taken = std::min(left.size(), static_cast<std::size_t>(count));
  std::memcpy(out, left.data(), taken);
  left = left.subspan(taken);
  return static_cast<int>(taken);
}

tl::unexpected<Error> broken(const GifFileType& gif) {
  const char* reason = GifErrorString(gif.Error);
  return broken_image("gif", reason == nullptr ? "no picture in it" : reason);
}

/// Passes what stands before the first picture. Returns the entry of the palette that is
/// transparent in it, or NO_TRANSPARENT_COLOR.
Result<int> find_picture(GifFileType& gif) {
  int transparent = NO_TRANSPARENT_COLOR;
  while (true) {
    GifRecordType type = UNDEFINED_RECORD_TYPE;
    if (DGifGetRecordType(&gif, &type) != GIF_OK) return broken(gif);
    if (type == IMAGE_DESC_RECORD_TYPE && DGifGetImageDesc(&gif) == GIF_OK) return transparent;
    if (type != EXTENSION_RECORD_TYPE) return broken(gif);
    int kind = 0;
    GifByteType* block = nullptr;
    if (DGifGetExtension(&gif, &kind, &block) != GIF_OK) return broken(gif);
    while (block != nullptr) {
      GraphicsControlBlock control{};
      if (kind == GRAPHICS_EXT_FUNC_CODE &&
          DGifExtensionToGCB(block[0], block + 1, &control) == GIF_OK)
        transparent = control.TransparentColor;
      if (DGifGetExtensionNext(&gif, &block) != GIF_OK) return broken(gif);
    }
  }
}

/// Reads the picture's rows to their places on a canvas of entries of the palette, `stride` wide.
Result<void> read_rows(GifFileType& gif, std::vector<std::uint8_t>& canvas, int stride) {
  struct Pass {
    int begin;
    int step;
  };
  constexpr Pass kInterlaced[] = {{0, 8}, {4, 8}, {2, 4}, {1, 2}};
  constexpr Pass kPlain[] = {{0, 1}};
  const GifImageDesc& place = gif.Image;
  for (const Pass pass : place.Interlace ? std::span<const Pass>(kInterlaced) : kPlain) {
    for (int y = pass.begin; y < place.Height; y += pass.step) {
      std::uint8_t* row = canvas.data() + area_bytes(stride, place.Top + y, 1) + place.Left;
      if (DGifGetLine(&gif, row, place.Width) != GIF_OK) return broken(gif);
    }
  }
  return {};
}

}  // namespace

Result<Picture> decode_gif(std::span<const std::uint8_t> file, const Header& header,
                           const Shrink& shrink, const DecodeLimits& limits) {
  TRY(check_held(header, shrink, limits, "a gif"));
  int error = 0;
  const Gif gif(DGifOpen(&file, read_bytes, &error));
  if (!gif) return broken_image("gif", std::to_string(error));
  const int transparent = TRY(find_picture(*gif));
  const GifImageDesc& place = gif->Image;
  const bool as_expected = place.Width > 0 && place.Height > 0 && place.Left >= 0 &&
                           place.Top >= 0 && place.Left + place.Width <= header.width &&
                           place.Top + place.Height <= header.height;
  if (!as_expected) return broken_image("gif", "two headers that disagree");
  const bool has_alpha = transparent != NO_TRANSPARENT_COLOR;
  // What the first picture leaves free is transparent, or of the first colour (as in Pillow).
  std::vector<std::uint8_t> canvas(area_bytes(header.width, header.height, 1),
                                   static_cast<std::uint8_t>(has_alpha ? transparent : 0));
  TRY(read_rows(*gif, canvas, header.width));
  const ColorMapObject* palette = place.ColorMap == nullptr ? gif->SColorMap : place.ColorMap;
  if (palette == nullptr) return broken_image("gif", "no palette");
  const int channels = has_alpha ? 4 : 3;
  BoxFilter filter(header.width, header.height, channels, shrink.factor);
  std::vector<std::uint8_t> row(area_bytes(header.width, 1, channels));
  for (auto entry = canvas.cbegin(); entry != canvas.cend();) {
    std::uint8_t* out = row.data();
    for (int x = 0; x < header.width; ++x, ++entry, out += channels) {
      // An entry that the palette lacks is black.
      const GifColorType colour =
          *entry < palette->ColorCount ? palette->Colors[*entry] : GifColorType{0, 0, 0};
      out[0] = colour.Red;
      out[1] = colour.Green;
      out[2] = colour.Blue;
      if (has_alpha) out[3] = *entry == transparent ? 0 : 255;
    }
    filter.add(row.data());
  }
  return filter.take();
}

}  // namespace imagined::image
