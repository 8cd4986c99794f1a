// Reading PNG by libpng's row interface (not its simplified one, which had holes of its own).
#include <png.h>

#include <array>
#include <cstring>
#include <string>
#include <vector>

#include "image/box_filter.h"
#include "image/decode_format.h"

namespace imagined::image {
namespace {

constexpr png_alloc_size_t kChunkBytesMax = 1u << 20;

/// What the library's callbacks need. libpng reports errors by longjmp: nothing on the way may have
/// a destructor, so this and all locals of the functions below that call it are plain.
struct Source {
  const std::uint8_t* next;
  std::size_t left;
  std::array<char, 160> reason;
};

void read_bytes(png_structp png, png_bytep out, png_size_t count) {
  auto* source = static_cast<Source*>(png_get_io_ptr(png));
  if (count > source->left) png_error(png, "the file ends too early");
  std::memcpy(out, source->next, count);
  source->next += count;
  source->left -= count;
}

[[noreturn]] void keep_error(png_structp png, png_const_charp reason) {
  auto* source = static_cast<Source*>(png_get_error_ptr(png));
  std::strncpy(source->reason.data(), reason, source->reason.size() - 1);
  png_longjmp(png, 1);
}

void ignore_warning(png_structp, png_const_charp) {}

/// Everything that is not pixels is passed over unread: no text, profile or EXIF can cost memory.
constexpr png_byte kPassedOver[] =
    "bKGD\0cHRM\0eXIf\0gAMA\0hIST\0iCCP\0iTXt\0oFFs\0pCAL\0pHYs\0sBIT\0sCAL\0sPLT\0sRGB\0tEXt\0"
    "tIME\0zTXt";
constexpr int kPassedOverCount = static_cast<int>(sizeof kPassedOver / 5);

/// Sets the reader up for 8-bit RGB or RGBA. Returns the channels, 0 for an error.
int read_info(png_structp png, png_infop info) {
  if (setjmp(png_jmpbuf(png)) != 0) return 0;
  png_set_chunk_malloc_max(png, kChunkBytesMax);
  png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, kPassedOver, kPassedOverCount);
  png_read_info(png, info);
  const bool has_alpha = (png_get_color_type(png, info) & PNG_COLOR_MASK_ALPHA) != 0 ||
                         png_get_valid(png, info, PNG_INFO_tRNS) != 0;
  png_set_expand(png);  // palettes, few bits and tRNS to full bytes
  png_set_scale_16(png);
  png_set_gray_to_rgb(png);
  png_set_interlace_handling(png);
  png_read_update_info(png, info);
  return has_alpha ? 4 : 3;
}

bool read_rows(png_structp png, png_infop info, png_bytepp rows) {
  if (setjmp(png_jmpbuf(png)) != 0) return false;
  png_read_image(png, rows);
  png_read_end(png, info);
  return true;
}

/// The same for a picture that nobody holds: each row is handed on and forgotten.
bool pass_rows(png_structp png, png_infop info, int height, png_bytep row, BoxFilter& filter) {
  if (setjmp(png_jmpbuf(png)) != 0) return false;
  for (int y = 0; y < height; ++y) {
    png_read_row(png, row, nullptr);
    filter.add(row);
  }
  png_read_end(png, info);
  return true;
}

/// Destroys the library's objects.
struct Reader {
  png_structp png = nullptr;
  png_infop info = nullptr;
  ~Reader() { png_destroy_read_struct(&png, &info, nullptr); }
};

}  // namespace

Result<Picture> decode_png(std::span<const std::uint8_t> file, const Header& header,
                           const Shrink& shrink, const DecodeLimits& limits) {
  Source source{.next = file.data(), .left = file.size(), .reason = {}};
  Reader reader;
  reader.png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &source, keep_error, ignore_warning);
  if (reader.png != nullptr) reader.info = png_create_info_struct(reader.png);
  if (reader.info == nullptr)
    return fail(ErrorCode::resource_exhausted, "no memory for a png decoder");
  png_set_read_fn(reader.png, &source, read_bytes);
  const int channels = read_info(reader.png, reader.info);
  if (channels == 0) return broken_image("png", source.reason.data());
  const std::size_t row_bytes = area_bytes(header.width, 1, channels);
  const bool as_expected =
      png_get_image_width(reader.png, reader.info) == static_cast<png_uint_32>(header.width) &&
      png_get_image_height(reader.png, reader.info) == static_cast<png_uint_32>(header.height) &&
      png_get_rowbytes(reader.png, reader.info) == row_bytes;
  if (!as_expected) return broken_image("png", "rows of an unexpected size");
  const bool interlaced = png_get_interlace_type(reader.png, reader.info) != PNG_INTERLACE_NONE;
  if (shrink.factor > 1 && !interlaced) {
    BoxFilter filter(header.width, header.height, channels, shrink.factor);
    std::vector<png_byte> row(row_bytes);
    if (!pass_rows(reader.png, reader.info, header.height, row.data(), filter))
      return broken_image("png", source.reason.data());
    return filter.take();
  }
  TRY(check_held(header, shrink, limits, "an interlaced png"));
  Picture picture{
      .width = header.width, .height = header.height, .channels = channels, .pixels = {}};
  picture.pixels.resize(area_bytes(header.width, header.height, channels));
  std::vector<png_bytep> rows(static_cast<std::size_t>(header.height));
  for (std::size_t y = 0; y < rows.size(); ++y) rows[y] = picture.pixels.data() + y * row_bytes;
  if (!read_rows(reader.png, reader.info, rows.data()))
    return broken_image("png", source.reason.data());
  if (shrink.factor == 1) return picture;
  BoxFilter filter(header.width, header.height, channels, shrink.factor);
  for (const png_bytep row : rows) filter.add(row);
  return filter.take();
}

}  // namespace imagined::image
