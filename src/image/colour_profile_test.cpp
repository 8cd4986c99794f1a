#include "image/colour_profile.h"

#include <gtest/gtest.h>
#include <lcms2.h>
#include <libdeflate.h>
#include <turbojpeg.h>
#include <webp/encode.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "image/decode.h"
#include "image/encode.h"

namespace imagined::image {
namespace {

using Bytes = std::vector<std::uint8_t>;

Bytes bytes_of(std::string_view text) { return {text.begin(), text.end()}; }

void append(Bytes& out, const Bytes& more) { out.insert(out.end(), more.begin(), more.end()); }

Bytes big_endian_bytes(std::uint32_t value, int count = 4) {
  Bytes out;
  for (int shift = 8 * count - 8; shift >= 0; shift -= 8)
    out.push_back(static_cast<std::uint8_t>(value >> shift));
  return out;
}

// ---- profiles, by the library that reads them

Bytes saved(cmsHPROFILE profile) {
  cmsUInt32Number size = 0;
  EXPECT_TRUE(cmsSaveProfileToMem(profile, nullptr, &size));
  Bytes bytes(size);
  EXPECT_TRUE(cmsSaveProfileToMem(profile, bytes.data(), &size));
  cmsCloseProfile(profile);
  return bytes;
}

constexpr cmsCIExyY kD65{0.3127, 0.3290, 1};
constexpr cmsCIExyYTRIPLE kP3{{0.680, 0.320, 1}, {0.265, 0.690, 1}, {0.150, 0.060, 1}};
constexpr cmsCIExyYTRIPLE kAdobe{{0.640, 0.330, 1}, {0.210, 0.710, 1}, {0.150, 0.060, 1}};

cmsHPROFILE open_rgb_profile(const cmsCIExyYTRIPLE& primaries, cmsToneCurve* curve) {
  cmsToneCurve* const curves[] = {curve, curve, curve};
  cmsHPROFILE profile = cmsCreateRGBProfile(&kD65, &primaries, curves);
  cmsFreeToneCurve(curve);
  return profile;
}

cmsHPROFILE open_display_p3() {
  constexpr double kCurve[] = {2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045};
  return open_rgb_profile(kP3, cmsBuildParametricToneCurve(nullptr, 4, kCurve));
}

Bytes display_p3() { return saved(open_display_p3()); }
Bytes adobe_rgb() { return saved(open_rgb_profile(kAdobe, cmsBuildGamma(nullptr, 563.0 / 256))); }

Bytes linear_grey() {
  cmsToneCurve* curve = cmsBuildGamma(nullptr, 1);
  cmsHPROFILE profile = cmsCreateGrayProfile(cmsD50_xyY(), curve);
  cmsFreeToneCurve(curve);
  return saved(profile);
}

// ---- files with a profile

Bytes with_png_chunk(Bytes png, std::string_view type, const Bytes& data) {
  Bytes covered = bytes_of(type);
  append(covered, data);
  Bytes chunk = big_endian_bytes(static_cast<std::uint32_t>(data.size()));
  append(chunk, covered);
  append(chunk, big_endian_bytes(libdeflate_crc32(0, covered.data(), covered.size())));
  constexpr std::ptrdiff_t kBehindHeader = 33;
  png.insert(png.begin() + kBehindHeader, chunk.begin(), chunk.end());
  return png;
}

Bytes iccp(const Bytes& profile) {
  auto* compressor = libdeflate_alloc_compressor(1);
  Bytes packed(libdeflate_zlib_compress_bound(compressor, profile.size()));
  packed.resize(libdeflate_zlib_compress(compressor, profile.data(), profile.size(), packed.data(),
                                         packed.size()));
  libdeflate_free_compressor(compressor);
  Bytes chunk = bytes_of(std::string_view("name\0\0", 6));
  append(chunk, packed);
  return chunk;
}

Bytes png_with(const Picture& picture, const Bytes& profile) {
  return with_png_chunk(encode_png(picture.view()), "iCCP", iccp(profile));
}

/// A piece of a profile in a JPEG's APP2 segment.
Bytes app2(int index, int count, const Bytes& piece) {
  Bytes segment = {0xFF, 0xE2};
  append(segment, big_endian_bytes(static_cast<std::uint32_t>(piece.size()) + 16, 2));
  append(segment, bytes_of(std::string_view("ICC_PROFILE\0", 12)));
  segment.insert(segment.end(),
                 {static_cast<std::uint8_t>(index), static_cast<std::uint8_t>(count)});
  append(segment, piece);
  return segment;
}

Bytes jpeg_with(const Picture& picture, const Bytes& segments) {
  Bytes jpeg = *encode_jpeg(picture.view(), {.quality = 100});
  jpeg.insert(jpeg.begin() + 2, segments.begin(), segments.end());
  return jpeg;
}

Bytes webp_with(const Picture& picture, const Bytes& profile) {
  std::uint8_t* made = nullptr;
  const std::size_t size = WebPEncodeLosslessRGB(picture.pixels.data(), picture.width,
                                                 picture.height, picture.width * 3, &made);
  Bytes chunks = bytes_of(std::string_view("WEBPVP8X\x0A\0\0\0\x20\0\0\0", 16));
  for (const int side : {picture.width - 1, picture.height - 1})
    chunks.insert(chunks.end(), {static_cast<std::uint8_t>(side), 0, 0});
  append(chunks, bytes_of("ICCP"));
  Bytes length = big_endian_bytes(static_cast<std::uint32_t>(profile.size()));
  std::reverse(length.begin(), length.end());
  append(chunks, length);
  append(chunks, profile);
  if (profile.size() % 2 == 1) chunks.push_back(0);
  chunks.insert(chunks.end(), made + 12, made + size);
  WebPFree(made);
  Bytes file = bytes_of("RIFF");
  length = big_endian_bytes(static_cast<std::uint32_t>(chunks.size()));
  std::reverse(length.begin(), length.end());
  append(file, length);
  append(file, chunks);
  return file;
}

// ---- pictures

using Rgb = std::vector<int>;

/// Eight by eight pixels of one colour (a block of a JPEG), with alpha where it has four numbers.
Picture flat(const Rgb& colour) {
  Picture picture{
      .width = 8, .height = 8, .channels = static_cast<int>(colour.size()), .pixels = {}};
  for (int i = 0; i < 64; ++i)
    for (const int level : colour) picture.pixels.push_back(static_cast<std::uint8_t>(level));
  return picture;
}

/// The last pixel of what a file decodes to: that the first was converted does not say that all
/// were.
Rgb decoded(const Bytes& file, Colours colours = Colours::as_srgb) {
  const auto picture = decode(file, {}, colours);
  EXPECT_TRUE(picture) << picture.error().detail;
  if (!picture) return {};
  return {picture->pixels.end() - picture->channels, picture->pixels.end()};
}

void expect_near(const Rgb& got, const Rgb& wanted, int tolerance) {
  ASSERT_EQ(got.size(), wanted.size());
  for (std::size_t c = 0; c < wanted.size(); ++c)
    EXPECT_NEAR(got[c], wanted[c], tolerance) << "channel " << c;
}

struct Converted {
  Rgb stored;
  Rgb srgb;
};
// What Pillow 13.0's ImageCms.profileToProfile makes of these colours with the same profiles.
const Converted kOfDisplayP3[] = {
    {{200, 50, 40}, {218, 24, 25}},     {{60, 180, 90}, {0, 183, 78}},
    {{30, 60, 200}, {17, 61, 208}},     {{128, 128, 128}, {128, 128, 128}},
    {{240, 200, 170}, {248, 198, 166}}, {{10, 20, 5}, {7, 20, 3}}};
const Converted kOfAdobeRgb[] = {
    {{200, 50, 40}, {232, 46, 35}},     {{60, 180, 90}, {0, 181, 83}},
    {{30, 60, 200}, {0, 57, 205}},      {{128, 128, 128}, {129, 129, 129}},
    {{240, 200, 170}, {254, 201, 170}}, {{10, 20, 5}, {0, 12, 0}}};

TEST(ColourProfile, OfAPngIsHonouredAsPillowDoes) {
  for (const auto& [stored, srgb] : kOfDisplayP3)
    expect_near(decoded(png_with(flat(stored), display_p3())), srgb, 2);
  for (const auto& [stored, srgb] : kOfAdobeRgb)
    expect_near(decoded(png_with(flat(stored), adobe_rgb())), srgb, 2);
}

TEST(ColourProfile, OfAWebpIsHonouredAsPillowDoes) {
  for (const auto& [stored, srgb] : kOfDisplayP3)
    expect_near(decoded(webp_with(flat(stored), display_p3())), srgb, 2);
}

TEST(ColourProfile, OfAJpegIsHonouredAsPillowDoes) {
  // A JPEG stores a colour to a level, which its profile may make two of.
  for (const auto& [stored, srgb] : kOfAdobeRgb)
    expect_near(decoded(jpeg_with(flat(stored), app2(1, 1, adobe_rgb()))), srgb, 4);
}

TEST(ColourProfile, OfAJpegIsJoinedFromItsPiecesByTheirNumbers) {
  const Bytes whole = display_p3();
  const Bytes first(whole.begin(), whole.begin() + 200);
  const Bytes second(whole.begin() + 200, whole.end());
  Bytes segments = app2(2, 2, second);
  append(segments, app2(1, 2, first));
  expect_near(decoded(jpeg_with(flat({200, 50, 40}), segments)), {218, 24, 25}, 4);
}

TEST(ColourProfile, OfGreyGoesForGreyPicturesAlone) {
  // What the curve of sRGB makes of a share of white's light; 1 / 255 is on its straight part.
  const Converted of_linear_light[] = {{{1, 1, 1}, {13, 13, 13}},
                                       {{10, 10, 10}, {56, 56, 56}},
                                       {{100, 100, 100}, {168, 168, 168}},
                                       {{255, 255, 255}, {255, 255, 255}}};
  for (const auto& [stored, srgb] : of_linear_light)
    expect_near(decoded(png_with(flat(stored), linear_grey())), srgb, 1);
  EXPECT_EQ(decoded(png_with(flat({100, 100, 101}), linear_grey())), (Rgb{100, 100, 101}));
}

TEST(ColourProfile, LeavesAlphaAsItIs) {
  expect_near(decoded(png_with(flat({200, 50, 40, 77}), display_p3())), {218, 24, 25, 77}, 0);
  expect_near(decoded(png_with(flat({100, 100, 100, 0}), linear_grey())), {168, 168, 168, 0}, 0);
}

TEST(ColourProfile, IsOfNoConcernWhereColoursAreWantedAsStored) {
  EXPECT_EQ(decoded(png_with(flat({200, 50, 40}), display_p3()), Colours::as_stored),
            (Rgb{200, 50, 40}));
}

TEST(ColourProfile, OfSrgbChangesNoByte) {
  Picture picture{.width = 64, .height = 64, .channels = 3, .pixels = {}};
  for (int i = 0; i < 64 * 64 * 3; ++i)
    picture.pixels.push_back(static_cast<std::uint8_t>(i * 31 + i / 256));
  EXPECT_EQ(decode(png_with(picture, saved(cmsCreate_sRGBProfile())))->pixels, picture.pixels);
  Picture greys = flat({0, 0, 0});
  for (std::size_t i = 0; i < greys.pixels.size(); ++i)
    greys.pixels[i] = static_cast<std::uint8_t>(i / 3 * 4);
  constexpr double kCurve[] = {2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045};
  cmsToneCurve* curve = cmsBuildParametricToneCurve(nullptr, 4, kCurve);
  const Bytes grey = saved(cmsCreateGrayProfile(cmsD50_xyY(), curve));
  cmsFreeToneCurve(curve);
  EXPECT_EQ(decode(png_with(greys, grey))->pixels, greys.pixels);
}

TEST(ColourProfile, IsDisplayP3WhereAPngsCodesSaySo) {
  const Bytes plain = encode_png(flat({200, 50, 40}).view());
  expect_near(decoded(with_png_chunk(plain, "cICP", {12, 13, 0, 1})), {218, 24, 25}, 2);
  const Rgb as_stored = {200, 50, 40};
  EXPECT_EQ(decoded(with_png_chunk(plain, "cICP", {12, 13, 0})), as_stored);  // cut
  // sRGB by the codes, whatever the profile says, and a profile beside codes of HDR.
  const Bytes with_profile = png_with(flat({200, 50, 40}), display_p3());
  EXPECT_EQ(decoded(with_png_chunk(with_profile, "cICP", {1, 13, 0, 1})), as_stored);
  expect_near(decoded(with_png_chunk(with_profile, "cICP", {9, 16, 0, 1})), {218, 24, 25}, 2);
}

/// That a file is read as if the profile were not there.
void expect_ignored(const Bytes& file) {
  const Rgb with = decoded(file);
  EXPECT_EQ(with, decoded(file, Colours::as_stored));
}

TEST(ColourProfile, AboveAMebibyteIsIgnoredInEveryFormat) {
  // Zeros behind a profile are read over by the library: it is the size that counts.
  Bytes most = display_p3();
  most.resize(1u << 20);
  expect_near(decoded(png_with(flat({200, 50, 40}), most)), {218, 24, 25}, 2);
  Bytes larger = most;
  larger.push_back(0);
  expect_ignored(png_with(flat({200, 50, 40}), larger));
  expect_ignored(webp_with(flat({200, 50, 40}), larger));
  for (const Bytes& profile : {most, larger}) {
    constexpr std::size_t kPiece = 65'000;
    const int count = static_cast<int>((profile.size() - 1) / kPiece) + 1;
    Bytes segments;
    for (int i = 0; i < count; ++i) {
      const auto begin = profile.begin() + static_cast<std::ptrdiff_t>(kPiece) * i;
      const auto left = static_cast<std::size_t>(profile.end() - begin);
      append(segments, app2(i + 1, count,
                            {begin, begin + static_cast<std::ptrdiff_t>(std::min(left, kPiece))}));
    }
    const Bytes file = jpeg_with(flat({200, 50, 40}), segments);
    if (profile.size() == larger.size()) expect_ignored(file);
    if (profile.size() == most.size()) expect_near(decoded(file), {218, 24, 25}, 4);
  }
}

TEST(ColourProfile, InAJpegThatIsNotWholeIsIgnored) {
  const Bytes whole = display_p3();
  const Bytes first(whole.begin(), whole.begin() + 200);
  const Bytes second(whole.begin() + 200, whole.end());
  struct Piece {
    int index, count;
    const Bytes& bytes;
  };
  const std::vector<Piece> broken[] = {
      {{1, 2, first}},                                  // no second
      {{1, 3, first}, {2, 3, second}},                  // no third
      {{1, 2, first}, {2, 2, second}, {2, 2, second}},  // twice
      {{1, 2, first}, {2, 3, second}},                  // of another number
      {{0, 2, first}, {1, 2, second}},                  // counted from 0
      {{1, 0, whole}},                                  // one of none
      {{2, 1, whole}},                                  // beyond the last
      {{1, 1, first}},                                  // cut
  };
  for (const auto& pieces : broken) {
    Bytes segments;
    for (const Piece& piece : pieces) append(segments, app2(piece.index, piece.count, piece.bytes));
    expect_ignored(jpeg_with(flat({200, 50, 40}), segments));
  }
}

TEST(ColourProfile, OfOtherThanRgbOrGreyIsIgnored) {
  expect_ignored(png_with(flat({200, 50, 40}), saved(cmsCreateLab4Profile(nullptr))));
  expect_ignored(png_with(flat({200, 50, 40}), saved(cmsCreateXYZProfile())));
  expect_ignored(
      png_with(flat({200, 50, 40}), saved(cmsCreateInkLimitingDeviceLink(cmsSigCmykData, 200))));
}

TEST(ColourProfile, WithoutTheTagsThatAreNeededIsIgnored) {
  for (const cmsTagSignature tag : {cmsSigRedColorantTag, cmsSigGreenTRCTag}) {
    cmsHPROFILE profile = open_display_p3();
    EXPECT_TRUE(cmsWriteTag(profile, tag, nullptr));
    expect_ignored(png_with(flat({200, 50, 40}), saved(profile)));
  }
}

TEST(ColourProfile, OfABrokenChunkIsIgnored) {
  const Bytes plain = encode_png(flat({200, 50, 40}).view());
  Bytes spoilt = iccp(display_p3());
  spoilt.back() ^= 1;  // the checksum of what is packed
  Bytes other_method = iccp(display_p3());
  other_method[5] = 1;
  for (const Bytes& chunk : {Bytes{}, bytes_of("no end"), bytes_of(std::string_view("name\0", 5)),
                             bytes_of(std::string_view("name\0\0", 6)), spoilt, other_method})
    expect_ignored(with_png_chunk(plain, "iCCP", chunk));
}

// The steps would be taken instead of the matrix, and there may be any number of them.
TEST(ColourProfile, HasItsStepsInFloatingPointIgnored) {
  cmsHPROFILE profile = open_display_p3();
  cmsSetProfileVersion(profile, 4.4);
  cmsPipeline* steps = cmsPipelineAlloc(nullptr, 3, 3);
  const double black[9] = {};
  EXPECT_TRUE(
      cmsPipelineInsertStage(steps, cmsAT_END, cmsStageAllocMatrix(nullptr, 3, 3, black, nullptr)));
  EXPECT_TRUE(cmsWriteTag(profile, cmsSigDToB0Tag, steps));
  cmsPipelineFree(steps);
  expect_near(decoded(png_with(flat({200, 50, 40}), saved(profile))), {218, 24, 25}, 2);
}

TEST(ColourProfile, IsAppliedToWhatWasMadeSmallerAndTurned) {
  Picture wide = flat({200, 50, 40});
  wide.pixels.resize(wide.pixels.size() * 2, 128);  // grey below
  wide.height *= 2;
  const Bytes upside_down = {'M',  'M', 0, 42, 0, 0, 0, 8, 0, 1, 1,
                             0x12, 0,   3, 0,  0, 0, 1, 0, 3, 0, 0};
  const Bytes file = with_png_chunk(png_with(wide, display_p3()), "eXIf", upside_down);
  const auto picture = decode(file, {.side_px_max = 8});
  ASSERT_TRUE(picture);
  EXPECT_EQ(picture->height, 8);
  expect_near({picture->pixels.end() - 3, picture->pixels.end()}, {218, 24, 25}, 2);
  expect_near({picture->pixels.begin(), picture->pixels.begin() + 3}, {128, 128, 128}, 1);
}

// Errors are for pictures: whatever the bytes of a profile are, what it lies in is one.
TEST(ColourProfile, IsNeverAnErrorHoweverItIsChangedOrCut) {
  const Bytes good = display_p3();
  const Picture picture = flat({200, 50, 40});
  for (std::size_t i = 0; i < good.size(); i += 3) {
    Bytes changed = good;
    changed[i] = static_cast<std::uint8_t>(~changed[i]);
    EXPECT_TRUE(decode(webp_with(picture, changed))) << i;
    const Bytes cut(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(i));
    if (i % 5 == 0) {
      EXPECT_TRUE(decode(webp_with(picture, cut))) << i;
    }
  }
  expect_ignored(webp_with(picture, Bytes(good.begin(), good.begin() + 140)));
}

}  // namespace
}  // namespace imagined::image
