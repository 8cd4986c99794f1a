#include "image/decode.h"

#include <gif_lib.h>
#include <gtest/gtest.h>
#include <libdeflate.h>
#include <png.h>
#include <turbojpeg.h>
#include <webp/encode.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "image/encode.h"

namespace imagined::image {
namespace {

using Bytes = std::vector<std::uint8_t>;

Bytes bytes_of(std::string_view text) { return {text.begin(), text.end()}; }

Picture small_picture(int channels = 3) {
  Picture picture{.width = 12, .height = 9, .channels = channels, .pixels = {}};
  for (int i = 0; i < 12 * 9 * channels; ++i)
    picture.pixels.push_back(static_cast<std::uint8_t>(i * 7));
  return picture;
}

void append_big_endian(Bytes& out, std::uint32_t value) {
  for (int shift = 24; shift >= 0; shift -= 8)
    out.push_back(static_cast<std::uint8_t>(value >> shift));
}

void append_chunk(Bytes& out, std::string_view type, const Bytes& data) {
  append_big_endian(out, static_cast<std::uint32_t>(data.size()));
  Bytes covered = bytes_of(type);
  covered.insert(covered.end(), data.begin(), data.end());
  out.insert(out.end(), covered.begin(), covered.end());
  append_big_endian(out, libdeflate_crc32(0, covered.data(), covered.size()));
}

/// Signature and IHDR of a PNG with 8-bit RGB.
Bytes png_start(std::uint32_t width, std::uint32_t height) {
  Bytes file = bytes_of("\x89PNG\r\n\x1A\n");
  Bytes header;
  append_big_endian(header, width);
  append_big_endian(header, height);
  header.insert(header.end(), {8, 2, 0, 0, 0});
  append_chunk(file, "IHDR", header);
  return file;
}

Bytes jpeg_start(std::uint16_t width, std::uint16_t height) {
  return {0xFF,
          0xD8,
          0xFF,
          0xC0,
          0,
          17,
          8,
          static_cast<std::uint8_t>(height >> 8),
          static_cast<std::uint8_t>(height & 255),
          static_cast<std::uint8_t>(width >> 8),
          static_cast<std::uint8_t>(width & 255),
          3,
          1,
          0x11,
          0,
          2,
          0x11,
          0,
          3,
          0x11,
          0};
}

/// A canvas of up to 2^24 per side, with flags.
Bytes webp_canvas(std::uint32_t width, std::uint32_t height, std::uint8_t flags = 0) {
  Bytes file = bytes_of(std::string_view("RIFF\x1A\0\0\0WEBPVP8X\x0A\0\0\0", 20));
  file.insert(file.end(), {flags, 0, 0, 0});
  for (const std::uint32_t side : {width - 1, height - 1})
    for (int shift = 0; shift < 24; shift += 8)
      file.push_back(static_cast<std::uint8_t>(side >> shift));
  return file;
}

/// A PNG of another kind, by libpng itself.
struct PngKind {
  int colour_type = PNG_COLOR_TYPE_RGB;
  int bits = 8;
  bool interlaced = false;
  bool transparent_entry = false;  // of a palette
};

Bytes write_png(const PngKind& kind, int width, int height, const Bytes& rows) {
  Bytes file;
  auto* png = png_create_write_struct(PNG_LIBPNG_VER_STRING, nullptr, nullptr, nullptr);
  auto* info = png_create_info_struct(png);
  png_set_write_fn(
      png, &file,
      [](png_structp self, png_bytep data, png_size_t size) {
        auto* out = static_cast<Bytes*>(png_get_io_ptr(self));
        out->insert(out->end(), data, data + size);
      },
      nullptr);
  png_set_IHDR(png, info, static_cast<png_uint_32>(width), static_cast<png_uint_32>(height),
               kind.bits, kind.colour_type, kind.interlaced ? PNG_INTERLACE_ADAM7 : 0, 0, 0);
  png_color palette[2] = {{10, 20, 30}, {40, 50, 60}};
  png_byte alphas[2] = {255, 0};
  if (kind.colour_type == PNG_COLOR_TYPE_PALETTE) png_set_PLTE(png, info, palette, 2);
  if (kind.transparent_entry) png_set_tRNS(png, info, alphas, 2, nullptr);
  png_write_info(png, info);
  const std::size_t row_bytes = rows.size() / static_cast<std::size_t>(height);
  std::vector<png_bytep> row_pointers;
  for (int y = 0; y < height; ++y)
    row_pointers.push_back(const_cast<png_bytep>(rows.data()) +
                           static_cast<std::size_t>(y) * row_bytes);
  png_write_image(png, row_pointers.data());
  png_write_end(png, info);
  png_destroy_write_struct(&png, &info);
  return file;
}

/// A picture of a GIF: where it lies, and an entry of the palette (red, green, blue, white) per
/// pixel.
struct GifFrame {
  int left = 0;
  int top = 0;
  int width = 2;
  int height = 2;
  Bytes entries = {0, 1, 2, 3};
  int transparent = NO_TRANSPARENT_COLOR;
  bool interlaced = false;
};

/// By giflib itself.
Bytes write_gif(int width, int height, const std::vector<GifFrame>& frames) {
  Bytes file;
  int error = 0;
  GifFileType* gif = EGifOpen(
      &file,
      [](GifFileType* self, const GifByteType* data, int size) {
        auto* out = static_cast<Bytes*>(self->UserData);
        out->insert(out->end(), data, data + size);
        return size;
      },
      &error);
  const GifColorType colours[] = {{255, 0, 0}, {0, 255, 0}, {0, 0, 255}, {255, 255, 255}};
  ColorMapObject* palette = GifMakeMapObject(4, colours);
  EGifPutScreenDesc(gif, width, height, 2, 0, palette);
  for (const GifFrame& frame : frames) {
    if (frame.transparent != NO_TRANSPARENT_COLOR) {
      const GraphicsControlBlock control{.TransparentColor = frame.transparent};
      GifByteType bytes[4];
      EGifGCBToExtension(&control, bytes);
      EGifPutExtension(gif, GRAPHICS_EXT_FUNC_CODE, sizeof bytes, bytes);
    }
    EGifPutImageDesc(gif, frame.left, frame.top, frame.width, frame.height, frame.interlaced,
                     nullptr);
    Bytes entries = frame.entries;
    for (int y = 0; y < frame.height; ++y)
      EGifPutLine(gif, entries.data() + y * frame.width, frame.width);
  }
  GifFreeMapObject(palette);
  EGifCloseFile(gif, &error);
  return file;
}

Bytes webp_lossless(const Picture& picture) {
  std::uint8_t* made = nullptr;
  const auto encode_webp = picture.channels == 4 ? WebPEncodeLosslessRGBA : WebPEncodeLosslessRGB;
  const std::size_t size = encode_webp(picture.pixels.data(), picture.width, picture.height,
                                       picture.width * picture.channels, &made);
  Bytes file(made, made + size);
  WebPFree(made);
  return file;
}

Bytes webp_lossy(const Picture& picture) {
  std::uint8_t* made = nullptr;
  const std::size_t size = WebPEncodeRGB(picture.pixels.data(), picture.width, picture.height,
                                         picture.width * picture.channels, 90, &made);
  Bytes file(made, made + size);
  WebPFree(made);
  return file;
}

std::string refusal(const Bytes& file, const DecodeLimits& limits = {}) {
  const auto picture = decode(file, limits);
  if (picture) return "accepted";
  EXPECT_EQ(picture.error().field, "image");
  return picture.error().message;
}

TEST(DecodePng, WidensGreyToRgb) {
  const auto picture = decode(write_png({.colour_type = PNG_COLOR_TYPE_GRAY}, 2, 1, {5, 250}));
  EXPECT_EQ(picture->channels, 3);
  EXPECT_EQ(picture->pixels, (Bytes{5, 5, 5, 250, 250, 250}));
}

TEST(DecodePng, KeepsTheAlphaOfGrey) {
  const auto picture =
      decode(write_png({.colour_type = PNG_COLOR_TYPE_GRAY_ALPHA}, 1, 1, {5, 128}));
  EXPECT_EQ(picture->pixels, (Bytes{5, 5, 5, 128}));
}

TEST(DecodePng, LooksUpPalettesAndTheirTransparency) {
  const PngKind opaque{.colour_type = PNG_COLOR_TYPE_PALETTE};
  EXPECT_EQ(decode(write_png(opaque, 2, 1, {1, 0}))->pixels, (Bytes{40, 50, 60, 10, 20, 30}));
  const PngKind transparent{.colour_type = PNG_COLOR_TYPE_PALETTE, .transparent_entry = true};
  EXPECT_EQ(decode(write_png(transparent, 2, 1, {1, 0}))->pixels,
            (Bytes{40, 50, 60, 0, 10, 20, 30, 255}));
}

TEST(DecodePng, DoesNotCrashOnAnIndexBeyondThePalette) {
  const PngKind kind{.colour_type = PNG_COLOR_TYPE_PALETTE};
  const auto picture = decode(write_png(kind, 1, 1, {200}));
  if (picture) {
    EXPECT_EQ(picture->pixels.size(), 3u);
  }
}

TEST(DecodePng, ScalesSixteenBitsAlsoWhenInterlaced) {
  // 0x8080 is 128.5 / 255 of full: 128; 0xFFFF is 255.
  for (const bool interlaced : {false, true}) {
    const PngKind kind{.colour_type = PNG_COLOR_TYPE_GRAY, .bits = 16, .interlaced = interlaced};
    EXPECT_EQ(decode(write_png(kind, 1, 2, {0x80, 0x80, 0xFF, 0xFF}))->pixels,
              (Bytes{128, 128, 128, 255, 255, 255}));
  }
}

TEST(DecodePng, PassesOverTextProfilesAndExif) {
  // A profile that would unpack to 64 MB, as the middle chunk of a good file.
  const Bytes zeros(64u << 20, 0);
  auto* compressor = libdeflate_alloc_compressor(1);
  Bytes packed(libdeflate_zlib_compress_bound(compressor, zeros.size()));
  packed.resize(libdeflate_zlib_compress(compressor, zeros.data(), zeros.size(), packed.data(),
                                         packed.size()));
  libdeflate_free_compressor(compressor);
  Bytes profile = bytes_of(std::string_view("bomb\0\0", 6));
  profile.insert(profile.end(), packed.begin(), packed.end());
  const Picture picture = small_picture();
  const Bytes good = encode_png(picture.view());
  for (const std::string_view type : {"iCCP", "zTXt", "eXIf", "abCd"}) {
    Bytes file(good.begin(), good.begin() + 33);
    append_chunk(file, type, profile);
    file.insert(file.end(), good.begin() + 33, good.end());
    const auto decoded = decode(file);
    ASSERT_TRUE(decoded) << type << ": " << decoded.error().detail;
    EXPECT_EQ(decoded->pixels, picture.pixels);
  }
}

TEST(DecodePng, SurvivesAHundredThousandChunks) {
  const Bytes good = encode_png(small_picture().view());
  Bytes file(good.begin(), good.begin() + 33);
  for (int i = 0; i < 100'000; ++i) append_chunk(file, "tEXt", {'k', 0, 'v'});
  file.insert(file.end(), good.begin() + 33, good.end());
  EXPECT_TRUE(decode(file));
}

TEST(DecodePng, RefusesAWrongChecksum) {
  Bytes file = encode_png(small_picture().view());
  file[file.size() - 17] ^= 1;  // of IDAT
  EXPECT_EQ(refusal(file), "the image is a broken or cut png file");
}

Bytes read_case(const std::string& name) {
  std::ifstream file(std::string(IMAGINED_SOURCE_DIR) + "/tests/images/" + name, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

// As print programs write them: Adobe's marker, inks stored inverted. Expected: what Pillow 13.0
// makes of the file with convert("RGB"); inverse transforms may differ by a level.
TEST(DecodeJpeg, TurnsInksIntoRgbAsPillowDoes) {
  const auto picture = decode(read_case("cmyk.jpg"));
  ASSERT_TRUE(picture) << picture.error().message;
  ASSERT_EQ(picture->pixels.size(), 96u * 64 * 3);
  struct Expected {
    std::size_t x, y;
    int rgb[3];
  };
  const Expected some[] = {{0, 0, {0, 0, 0}},
                           {40, 10, {107, 40, 0}},
                           {95, 63, {255, 255, 200}},
                           {10, 50, {26, 202, 0}},
                           {70, 30, {187, 121, 200}}};
  for (const auto& [x, y, rgb] : some)
    for (std::size_t c = 0; c < 3; ++c)
      EXPECT_NEAR(picture->pixels[(y * 96 + x) * 3 + c], rgb[c], 2) << x << ", " << y;
}

TEST(DecodeJpeg, TakesInksAsTheyAreWithoutAdobesMarker) {
  Bytes file = read_case("cmyk.jpg");
  const Bytes marker = {0xFF, 0xEE, 0, 14, 'A', 'd', 'o', 'b', 'e'};
  const auto found = std::search(file.begin(), file.end(), marker.begin(), marker.end());
  ASSERT_NE(found, file.end());
  file.erase(found, found + 16);
  const auto picture = decode(file);
  ASSERT_TRUE(picture) << picture.error().message;
  // Black ink, nowhere in the picture when inverted, is everywhere.
  EXPECT_LE(*std::max_element(picture->pixels.begin(), picture->pixels.end()), 2);
}

// Some cameras write them; every viewer shows such pictures.
TEST(DecodeJpeg, PassesOverBytesBetweenThePixelsAndTheNextMarker) {
  const Bytes good = *encode_jpeg(small_picture().view());
  Bytes file = good;
  const Bytes extra = {0x12, 0x34, 0x56};
  file.insert(file.end() - 2, extra.begin(), extra.end());
  const auto picture = decode(file);
  ASSERT_TRUE(picture) << picture.error().detail;
  EXPECT_EQ(picture->pixels, decode(good)->pixels);
  file.resize(file.size() - 2);
  EXPECT_FALSE(decode(file));  // the end is missing, too
}

/// A progressive picture whose last scan is there `more` times again.
Bytes progressive_jpeg(int more) {
  auto* compressor = tjInitCompress();
  unsigned char* made = nullptr;
  unsigned long size = 0;
  const Picture picture = small_picture();
  EXPECT_EQ(tjCompress2(compressor, picture.pixels.data(), picture.width, 0, picture.height,
                        TJPF_RGB, &made, &size, TJSAMP_444, 90, TJFLAG_PROGRESSIVE),
            0);
  Bytes file(made, made + size);
  tjFree(made);
  tjDestroy(compressor);
  const Bytes scan = {0xFF, 0xDA};
  const auto last = std::find_end(file.begin(), file.end(), scan.begin(), scan.end());
  const Bytes again(last, file.end() - 2);
  for (int i = 0; i < more; ++i) file.insert(file.end() - 2, again.begin(), again.end());
  return file;
}

// Each scan goes through the whole picture: five hundred of them over 40 million pixels are
// minutes.
TEST(DecodeJpeg, RefusesMoreScansThanAnyEncoderMakes) {
  EXPECT_TRUE(decode(progressive_jpeg(0)));
  EXPECT_EQ(refusal(progressive_jpeg(64)),
            "the image is a jpeg of more than 64 scans, which none needs");
}

/// An EXIF block that names nothing but an orientation.
Bytes exif_block(std::uint8_t orientation, bool little_endian) {
  if (little_endian)
    return {'I', 'I', 42, 0, 8, 0, 0, 0, 1, 0, 0x12, 1, 3, 0, 1, 0, 0, 0, orientation, 0, 0, 0};
  return {'M', 'M', 0, 42, 0, 0, 0, 8, 0, 1, 1, 0x12, 0, 3, 0, 0, 0, 1, 0, orientation, 0, 0};
}

Bytes with_exif(Bytes png, const Bytes& exif) {
  Bytes chunk;
  append_chunk(chunk, "eXIf", exif);
  constexpr std::ptrdiff_t kBehindHeader = 33;
  png.insert(png.begin() + kBehindHeader, chunk.begin(), chunk.end());
  return png;
}

/// Three by two pixels whose red values spell "abcdef", read line by line.
Picture letters() {
  Picture picture{.width = 3, .height = 2, .channels = 3, .pixels = {}};
  for (char letter = 'a'; letter <= 'f'; ++letter)
    picture.pixels.insert(picture.pixels.end(), {static_cast<std::uint8_t>(letter), 1, 2});
  return picture;
}

std::string spelled(const Picture& picture) {
  std::string text;
  for (int i = 0; i < picture.width * picture.height; ++i) {
    if (i > 0 && i % picture.width == 0) text += '/';
    text += static_cast<char>(picture.pixels[static_cast<std::size_t>(3 * i)]);
  }
  return text;
}

TEST(DecodeOrientation, TurnsEachOfTheEightUpright) {
  const std::string upright[] = {"abc/def",  "cba/fed",  "fed/cba",  "def/abc",
                                 "ad/be/cf", "da/eb/fc", "fc/eb/da", "cf/be/ad"};
  for (std::uint8_t orientation = 1; orientation <= 8; ++orientation) {
    for (const bool little_endian : {false, true}) {
      const Bytes file =
          with_exif(encode_png(letters().view()), exif_block(orientation, little_endian));
      const auto picture = decode(file);
      ASSERT_TRUE(picture) << picture.error().message;
      EXPECT_EQ(spelled(*picture), upright[orientation - 1]) << int{orientation};
      EXPECT_EQ(read_header(file)->orientation, static_cast<Orientation>(orientation));
    }
  }
}

TEST(DecodeOrientation, TurnsAPhotographAsPillowDoes) {
  const auto lying = decode(read_case("exif-orientation-6.jpg"));
  const auto upright = decode(read_case("exif-orientation-6-upright.png"));
  ASSERT_TRUE(lying && upright);
  ASSERT_EQ(lying->width, upright->width);
  ASSERT_EQ(lying->height, upright->height);
  int worst = 0;  // inverse transforms of two versions of the library differ by a level or two
  for (std::size_t i = 0; i < lying->pixels.size(); ++i)
    worst = std::max(worst, std::abs(int{lying->pixels[i]} - int{upright->pixels[i]}));
  EXPECT_LE(worst, 4);
}

TEST(DecodeOrientation, ReadsTheExifChunkOfAnExtendedWebp) {
  const Bytes plain = webp_lossless(letters());
  constexpr std::uint8_t kHasExif = 8;
  Bytes file = webp_canvas(3, 2, kHasExif);
  file.insert(file.end(), plain.begin() + 12, plain.end());
  const Bytes exif = exif_block(6, true);
  const Bytes chunk = bytes_of(std::string_view("EXIF\x16\0\0\0", 8));
  file.insert(file.end(), chunk.begin(), chunk.end());
  file.insert(file.end(), exif.begin(), exif.end());
  file[4] = static_cast<std::uint8_t>(file.size() - 8);
  const auto picture = decode(file);
  ASSERT_TRUE(picture) << picture.error().message;
  EXPECT_EQ(spelled(*picture), "da/eb/fc");
}

TEST(DecodeOrientation, IgnoresExifThatMakesNoSense) {
  const Bytes png = encode_png(letters().view());
  const Bytes good = exif_block(6, true);
  for (std::size_t size = 0; size < 20; ++size) {
    const Bytes cut(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(size));
    EXPECT_EQ(spelled(*decode(with_exif(png, cut))), "abc/def") << size;
  }
  for (const int orientation : {0, 9, 255})
    EXPECT_EQ(
        spelled(*decode(with_exif(png, exif_block(static_cast<std::uint8_t>(orientation), true)))),
        "abc/def");
  Bytes far = good;
  far[4] = 0xF0;  // a directory behind the end
  EXPECT_EQ(spelled(*decode(with_exif(png, far))), "abc/def");
}

TEST(DecodeJpeg, IgnoresExifThatIsNone) {
  const Bytes good = *encode_jpeg(small_picture().view());
  Bytes file = {0xFF, 0xD8, 0xFF, 0xE1, 0, 12, 'E', 'x', 'i', 'f', 0, 0, 9, 9, 9, 9};
  file.insert(file.end(), good.begin() + 2, good.end());
  EXPECT_EQ(decode(file)->pixels, decode(good)->pixels);
}

TEST(DecodeWebp, ReadsLosslessPicturesExactly) {
  for (const int channels : {3, 4}) {
    Picture picture = small_picture(channels);
    if (channels == 4)
      for (std::size_t i = 3; i < picture.pixels.size(); i += 4)
        picture.pixels[i] = static_cast<std::uint8_t>(1 + i % 200);  // alpha 0 may lose its colour
    const auto decoded = decode(webp_lossless(picture));
    ASSERT_TRUE(decoded) << decoded.error().detail;
    EXPECT_EQ(decoded->channels, channels);
    EXPECT_EQ(decoded->pixels, picture.pixels);
  }
}

TEST(DecodeWebp, ReadsTheSizeOfLossyPictures) {
  const auto header = read_header(webp_lossy(small_picture()));
  EXPECT_EQ(header->width, 12);
  EXPECT_EQ(header->height, 9);
  EXPECT_TRUE(decode(webp_lossy(small_picture())));
}

/// An animation on a canvas, whose frames are as large as their pictures.
Bytes webp_animation(std::uint32_t width, std::uint32_t height, int left, int top,
                     const std::vector<Bytes>& pictures) {
  constexpr std::uint8_t kAnimated = 2;
  Bytes file = webp_canvas(width, height, kAnimated);
  const auto append = [&](const Bytes& bytes) {
    file.insert(file.end(), bytes.begin(), bytes.end());
  };
  const auto append_number = [&](std::size_t number, int bytes) {
    for (int i = 0; i < bytes; ++i) file.push_back(static_cast<std::uint8_t>(number >> 8 * i));
  };
  append(bytes_of(std::string_view("ANIM\x06\0\0\0\0\0\0\0\0\0", 14)));
  for (const Bytes& picture : pictures) {
    const Header header = *read_header(picture);
    append(bytes_of("ANMF"));
    append_number(16 + picture.size() - 12, 4);
    append_number(static_cast<std::size_t>(left / 2), 3);
    append_number(static_cast<std::size_t>(top / 2), 3);
    append_number(static_cast<std::size_t>(header.width - 1), 3);
    append_number(static_cast<std::size_t>(header.height - 1), 3);
    append_number(100, 3);
    append_number(0, 1);
    file.insert(file.end(), picture.begin() + 12, picture.end());  // without RIFF and WEBP
  }
  const std::size_t size = file.size() - 8;
  for (int i = 0; i < 4; ++i)
    file[static_cast<std::size_t>(4 + i)] = static_cast<std::uint8_t>(size >> 8 * i);
  return file;
}

TEST(DecodeWebp, ReadsTheFirstPictureOfAnAnimation) {
  Picture second = small_picture();
  second.pixels.assign(second.pixels.size(), 7);
  for (const auto& [first, other] :
       {std::pair{webp_lossless(small_picture()), webp_lossless(second)},
        std::pair{webp_lossy(small_picture()), webp_lossy(second)}}) {
    const auto picture = decode(webp_animation(12, 9, 0, 0, {first, other}));
    ASSERT_TRUE(picture) << picture.error().detail;
    EXPECT_EQ(picture->channels, 3);
    EXPECT_EQ(picture->pixels, decode(first)->pixels);
  }
}

TEST(DecodeWebp, PutsThePictureInItsPlaceAndLeavesTheRestTransparent) {
  const Picture dot{.width = 1, .height = 1, .channels = 3, .pixels = {10, 20, 30}};
  const auto picture = decode(webp_animation(4, 3, 2, 2, {webp_lossless(dot)}));
  ASSERT_TRUE(picture) << picture.error().detail;
  Bytes expected;
  for (int i = 0; i < 12; ++i) {
    const bool is_dot = i == 2 * 4 + 2;
    const Bytes pixel = is_dot ? Bytes{10, 20, 30, 255} : Bytes{255, 255, 255, 0};
    expected.insert(expected.end(), pixel.begin(), pixel.end());
  }
  EXPECT_EQ(picture->channels, 4);
  EXPECT_EQ(picture->pixels, expected);
}

TEST(DecodeWebp, MakesTheFirstPictureOfAnAnimationSmaller) {
  Picture red{.width = 40, .height = 40, .channels = 3, .pixels = {}};
  for (int i = 0; i < 40 * 40; ++i) red.pixels.insert(red.pixels.end(), {200, 0, 0});
  const auto picture =
      decode(webp_animation(80, 80, 40, 40, {webp_lossy(red)}), {.side_px_max = 40});
  ASSERT_TRUE(picture) << picture.error().detail;
  ASSERT_EQ(picture->width, 40);
  const auto alpha = [&](int x, int y) {
    return picture->pixels[static_cast<std::size_t>((y * 40 + x) * 4 + 3)];
  };
  EXPECT_EQ(alpha(19, 39), 0);
  EXPECT_EQ(alpha(39, 19), 0);
  EXPECT_EQ(alpha(20, 20), 255);
  EXPECT_EQ(alpha(39, 39), 255);
}

TEST(DecodeWebp, RefusesAnimationsWithoutAPictureOrWithOneBeyondTheirCanvas) {
  const std::string broken = "the image is a broken or cut webp file";
  EXPECT_EQ(refusal(webp_animation(10, 10, 0, 0, {})), broken);
  EXPECT_EQ(refusal(webp_animation(13, 9, 2, 0, {webp_lossless(small_picture())})), broken);
  Bytes nested = webp_animation(12, 9, 0, 0, {webp_lossless(small_picture())});
  EXPECT_EQ(refusal(webp_animation(12, 9, 0, 0, {Bytes(nested.begin(), nested.end())})), broken);
}

TEST(DecodeGif, LooksUpThePalette) {
  const auto picture = decode(write_gif(2, 2, {{}}));
  ASSERT_TRUE(picture) << picture.error().detail;
  EXPECT_EQ(picture->width, 2);
  EXPECT_EQ(picture->channels, 3);
  EXPECT_EQ(picture->pixels, (Bytes{255, 0, 0, 0, 255, 0, 0, 0, 255, 255, 255, 255}));
}

TEST(DecodeGif, ReadsTheFirstPictureOfAnAnimation) {
  const auto picture = decode(write_gif(
      1, 1,
      {{.width = 1, .height = 1, .entries = {2}}, {.width = 1, .height = 1, .entries = {1}}}));
  ASSERT_TRUE(picture) << picture.error().detail;
  EXPECT_EQ(picture->pixels, (Bytes{0, 0, 255}));
}

TEST(DecodeGif, PutsThePictureInItsPlaceAndLeavesTheRestTransparent) {
  const auto picture = decode(write_gif(
      2, 2, {{.left = 1, .top = 1, .width = 1, .height = 1, .entries = {2}, .transparent = 3}}));
  ASSERT_TRUE(picture) << picture.error().detail;
  EXPECT_EQ(picture->pixels,
            (Bytes{255, 255, 255, 0, 255, 255, 255, 0, 255, 255, 255, 0, 0, 0, 255, 255}));
  // Without a transparent colour the rest has the first one.
  const auto opaque = decode(write_gif(2, 1, {{.width = 1, .height = 1, .entries = {2}}}));
  EXPECT_EQ(opaque->pixels, (Bytes{0, 0, 255, 255, 0, 0}));
}

TEST(DecodeGif, GrowsTheScreenWhereThePictureStandsOutOfIt) {
  const auto picture = decode(write_gif(1, 1, {{.top = 1}}));
  ASSERT_TRUE(picture) << picture.error().detail;
  EXPECT_EQ(picture->width, 2);
  EXPECT_EQ(picture->height, 3);
}

TEST(DecodeGif, PutsInterlacedRowsInTheirOrder) {
  // Nine rows come as 0, 8; 4; 2, 6; 1, 3, 5, 7.
  const auto picture = decode(write_gif(
      1, 9,
      {{.width = 1, .height = 9, .entries = {0, 1, 2, 3, 3, 1, 1, 1, 1}, .interlaced = true}}));
  ASSERT_TRUE(picture) << picture.error().detail;
  Bytes greens;
  for (std::size_t i = 0; i < 9; ++i) greens.push_back(picture->pixels[3 * i + 1]);
  EXPECT_EQ(greens, (Bytes{0, 255, 255, 255, 0, 255, 255, 255, 255}));
}

TEST(DecodeGif, RefusesWhatIsCut) {
  const Bytes whole = write_gif(2, 2, {{}});
  for (std::size_t size = 6; size + 2 < whole.size(); ++size) {
    const auto picture = decode(std::span(whole).first(size));
    ASSERT_FALSE(picture) << size;
    EXPECT_EQ(picture.error().message, "the image is a broken or cut gif file") << size;
  }
  const Bytes none = write_gif(2, 2, {});
  EXPECT_FALSE(decode(none));
}

TEST(DecodeLimits, AreAppliedToTheHeaderAlone) {
  // None of these files has a pixel in it.
  EXPECT_EQ(refusal(png_start(70'000, 60'000)),
            "the image has 70000 x 60000 pixels, at most 65535 per side are allowed");
  EXPECT_EQ(refusal(jpeg_start(65'535, 65'535)),
            "the image has 65535 x 65535 = 4294836225 pixels, at most 500000000 are allowed");
  EXPECT_EQ(refusal(png_start(60'000, 8'334)),
            "the image has 60000 x 8334 = 500040000 pixels, at most 500000000 are allowed");
}

TEST(DecodeLimits, AcceptExactlyTheLimit) {
  const Bytes file = encode_png(small_picture().view());
  const DecodeLimits exact{.bytes_max = file.size(),
                           .side_px_max = 12,
                           .area_px_max = 108,
                           .stored_side_px_max = 12,
                           .stored_area_px_max = 108};
  EXPECT_EQ(decode(file, exact)->pixels, small_picture().pixels);
  EXPECT_FALSE(decode(file, {.bytes_max = file.size() - 1}));
  DecodeLimits less = exact;
  less.stored_side_px_max = less.side_px_max = 11;
  EXPECT_FALSE(decode(file, less));
  less = exact;
  less.stored_area_px_max = less.area_px_max = 107;
  EXPECT_FALSE(decode(file, less));
}

TEST(DecodeLimits, HalveWhatIsOnePixelAboveThem) {
  for (const Bytes& file :
       {encode_png(small_picture().view()), *encode_jpeg(small_picture().view()),
        webp_lossless(small_picture()), webp_lossy(small_picture())})
    for (const DecodeLimits& limits :
         {DecodeLimits{.side_px_max = 11}, DecodeLimits{.area_px_max = 107}}) {
      const auto picture = decode(file, limits);
      ASSERT_TRUE(picture) << picture.error().message;
      EXPECT_EQ(picture->width, 6);
      EXPECT_EQ(picture->height, 5);
      EXPECT_EQ(picture->pixels.size(), 6u * 5u * 3u);
    }
}

TEST(DecodeLimits, MakeAPngSmallerByTheMeansOfBoxes) {
  // Boxes of 3 x 3, of which two columns and one row are left at the ends.
  const Picture picture{.width = 5,
                        .height = 4,
                        .channels = 4,
                        .pixels = {
                            0,  0, 0, 255, 9,  1, 0, 255, 0, 0, 0, 255, 8, 1, 2, 0, 4, 3, 2, 4,  //
                            0,  0, 0, 255, 0,  0, 0, 255, 0, 0, 0, 255, 8, 1, 2, 0, 4, 3, 2, 4,  //
                            0,  0, 0, 255, 0,  4, 0, 255, 0, 0, 0, 246, 8, 1, 2, 0, 4, 3, 2, 4,  //
                            30, 0, 3, 9,   60, 0, 4, 9,   3, 0, 5, 9,   1, 1, 1, 1, 2, 1, 1, 1,
                        }};
  const Bytes expected = {1, 1, 0, 254, 6, 2, 2, 2, 31, 0, 4, 9, 2, 1, 1, 1};
  const PngKind kind{.colour_type = PNG_COLOR_TYPE_RGB_ALPHA};
  const PngKind interlaced{.colour_type = PNG_COLOR_TYPE_RGB_ALPHA, .interlaced = true};
  for (const Bytes& file :
       {write_png(kind, 5, 4, picture.pixels), write_png(interlaced, 5, 4, picture.pixels)}) {
    const auto small = decode(file, {.side_px_max = 2});
    ASSERT_TRUE(small) << small.error().message;
    EXPECT_EQ(small->width, 2);
    EXPECT_EQ(small->height, 2);
    EXPECT_EQ(small->pixels, expected);
  }
}

TEST(DecodeLimits, MakeEveryFormatSmallerWithoutChangingItsColours) {
  Picture picture{.width = 64, .height = 40, .channels = 3, .pixels = {}};
  for (int y = 0; y < 40; ++y)
    for (int x = 0; x < 64; ++x)
      for (const int value : {x < 32 ? 200 : 40, 90, y < 24 ? 10 : 180})
        picture.pixels.push_back(static_cast<std::uint8_t>(value));
  for (const Bytes& file :
       {encode_png(picture.view()), *encode_jpeg(picture.view(), {.quality = 95}),
        webp_lossless(picture), webp_lossy(picture)}) {
    const auto small = decode(file, {.side_px_max = 16});
    ASSERT_TRUE(small) << small.error().message;
    ASSERT_EQ(small->width, 16);
    ASSERT_EQ(small->height, 10);
    const auto pixel = [&](int x, int y) { return small->pixels.data() + (y * 16 + x) * 3; };
    // In the middle of each quarter; a lossy format may be a few levels off.
    EXPECT_NEAR(pixel(3, 2)[0], 200, 6);
    EXPECT_NEAR(pixel(12, 2)[0], 40, 6);
    EXPECT_NEAR(pixel(3, 2)[2], 10, 6);
    EXPECT_NEAR(pixel(12, 8)[2], 180, 6);
    EXPECT_NEAR(pixel(12, 8)[1], 90, 6);
  }
}

TEST(DecodeLimits, HoldNoPictureWholeAboveALimitOfItsOwn) {
  const DecodeLimits limits{.side_px_max = 6, .held_area_px_max = 107};
  const Picture picture = small_picture();
  EXPECT_EQ(refusal(progressive_jpeg(0), limits),
            "the image has 12 x 9 = 108 pixels, at most 107 are allowed for a progressive jpeg");
  EXPECT_EQ(refusal(webp_lossless(picture), limits),
            "the image has 12 x 9 = 108 pixels, at most 107 are allowed for a lossless webp");
  EXPECT_EQ(refusal(write_png({.interlaced = true}, 12, 9, picture.pixels), limits),
            "the image has 12 x 9 = 108 pixels, at most 107 are allowed for an interlaced png");
  // Row by row, or not to be made smaller: they are not what is limited.
  EXPECT_EQ(refusal(write_png({}, 12, 9, picture.pixels), limits), "accepted");
  EXPECT_EQ(refusal(*encode_jpeg(picture.view()), limits), "accepted");
  EXPECT_EQ(refusal(webp_lossy(picture), limits), "accepted");
  EXPECT_EQ(refusal(webp_lossless(picture), {.held_area_px_max = 107}), "accepted");
}

TEST(DecodeLimits, SayWhereLibjpegCannotMakeAPictureSmallEnough) {
  const Bytes file = *encode_jpeg(small_picture().view());
  EXPECT_EQ(decode(file, {.side_px_max = 2})->width, 2);
  EXPECT_EQ(
      refusal(file, {.side_px_max = 1}),
      "the image has 12 x 9 = 108 pixels, at most 40000000 are allowed, and it cannot be made "
      "so small");
}

TEST(DecodeLimits, TakeAPanoramaOfAScannerAtAQuarter) {
  // 90 million pixels of one bit each.
  const PngKind kind{.colour_type = PNG_COLOR_TYPE_GRAY, .bits = 1};
  const auto picture = decode(write_png(kind, 30'000, 3'000, Bytes(30'000 / 8 * 3'000, 0xAA)));
  ASSERT_TRUE(picture) << picture.error().message;
  EXPECT_EQ(picture->width, 7'500);
  EXPECT_EQ(picture->height, 750);
  EXPECT_EQ(picture->pixels.front(), 128);  // the mean of black and white
}

TEST(DecodeLimits, NameTheBytesOfALargeFile) {
  const auto picture = decode(Bytes(2000, 0), {.bytes_max = 1999});
  EXPECT_EQ(picture.error().code, ErrorCode::payload_too_large);
  EXPECT_EQ(picture.error().message, "the image has 2000 bytes, at most 1999 are allowed");
}

TEST(ReadHeader, RefusesSizesThatCannotBe) {
  for (const Bytes& file : {png_start(0, 10), png_start(10, 0), png_start(1, 0x80000000),
                            png_start(0xFFFFFFFF, 0xFFFFFFFF), jpeg_start(0, 5), jpeg_start(5, 0)})
    EXPECT_EQ(decode(file).error().code, ErrorCode::invalid_argument);
}

TEST(ReadHeader, KnowsFormatsByContentAndRefusesOthers) {
  using namespace std::string_view_literals;
  for (const std::string_view text :
       {"<svg xmlns='http://www.w3.org/2000/svg'/>"sv, "%PDF-1.7"sv, "GIF88a"sv, "BM"sv, "II*\0"sv,
        "<!doctype html>"sv, "\0\0\0\x18\x66typheic"sv, "\0\0\x01\0"sv, "x"sv}) {
    const auto header = read_header(bytes_of(text));
    EXPECT_EQ(header.error().code, ErrorCode::unsupported_media_type) << text;
    EXPECT_EQ(header.error().field, "image");
  }
  EXPECT_EQ(refusal({}), "the image is empty");
}

TEST(ReadHeader, NamesTheFormatsThatPeopleSend) {
  using namespace std::string_view_literals;
  const auto message = [](std::string_view text) { return refusal(bytes_of(text)); };
  EXPECT_EQ(message("\0\0\0\x18"
                    "ftypheic\0\0"sv),
            "the image is a HEIC file, expected JPEG, PNG, WebP or GIF");
  EXPECT_EQ(message("\0\0\0\x1C"
                    "ftypavif"sv),
            "the image is an AVIF file, expected JPEG, PNG, WebP or GIF");
  EXPECT_EQ(message("\0\0\0\x20"
                    "ftypisom"sv),
            "the image is a video, expected JPEG, PNG, WebP or GIF");
  EXPECT_EQ(message("MM\0*"sv), "the image is a TIFF file, expected JPEG, PNG, WebP or GIF");
  EXPECT_EQ(message("<!doctype html>"sv),
            "the image is an HTML page, expected JPEG, PNG, WebP or GIF");
  EXPECT_EQ(message("hello"sv),
            "the image is of an unknown format, expected JPEG, PNG, WebP or GIF");
}

TEST(Decode, LeavesTheTailOfAPolyglotBehind) {
  const Picture picture = small_picture();
  Bytes file = encode_png(picture.view());
  const Bytes tail = bytes_of("PK\x03\x04<script>alert(1)</script>");
  file.insert(file.end(), tail.begin(), tail.end());
  EXPECT_EQ(decode(file)->pixels, picture.pixels);
}

class EveryFormat : public testing::TestWithParam<Bytes> {};

TEST_P(EveryFormat, RefusesEveryCut) {
  const Bytes& file = GetParam();
  ASSERT_TRUE(decode(file));
  for (std::size_t size = 0; size < file.size(); ++size) {
    const Bytes cut(file.begin(), file.begin() + static_cast<std::ptrdiff_t>(size));
    EXPECT_FALSE(decode(cut)) << "the first " << size << " of " << file.size() << " bytes";
  }
}

TEST_P(EveryFormat, SurvivesEveryChangedByte) {
  for (std::size_t i = 0; i < GetParam().size(); ++i)
    for (const int change : {0x01, 0x80, 0xFF}) {
      Bytes file = GetParam();
      file[i] = static_cast<std::uint8_t>(file[i] ^ change);
      const auto picture =
          decode(file, {.area_px_max = 1'000'000, .stored_area_px_max = 1'000'000});
      if (picture) {
        EXPECT_EQ(picture->pixels.size(), static_cast<std::size_t>(picture->width) *
                                              static_cast<std::size_t>(picture->height) *
                                              static_cast<std::size_t>(picture->channels));
      }
    }
}

INSTANTIATE_TEST_SUITE_P(
    Images, EveryFormat,
    testing::Values(encode_png(small_picture().view()), encode_png(small_picture(4).view()),
                    *encode_jpeg(small_picture().view()), webp_lossless(small_picture(4)),
                    webp_lossy(small_picture()),
                    webp_animation(12, 9, 0, 0, {webp_lossy(small_picture())})));

}  // namespace
}  // namespace imagined::image
