#include "image/colour_profile.h"

#include <lcms2.h>
#include <libdeflate.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <memory>
#include <numeric>
#include <vector>

#include "image/bytes.h"
#include "image/chunks.h"
#include "image/decode_format.h"
#include "image/jpeg_markers.h"

namespace imagined::image {
namespace {

constexpr std::size_t kProfileBytesMax = 1u << 20;

struct CloseProfile {
  void operator()(void* profile) const { cmsCloseProfile(profile); }
};
using Profile = std::unique_ptr<void, CloseProfile>;

struct DeleteTransform {
  void operator()(void* transform) const { cmsDeleteTransform(transform); }
};
using Transform = std::unique_ptr<void, DeleteTransform>;

/// Unpacks an iCCP chunk: a name that ends in NUL, 0 for zlib, and the profile. PNG specification
/// (third edition), 11.3.2.3.
std::vector<std::uint8_t> unpacked(Bytes chunk) {
  const auto name_end = std::find(chunk.begin(), chunk.end(), std::uint8_t{0});
  if (chunk.end() - name_end < 2 || name_end[1] != 0) return {};
  const Bytes packed(name_end + 2, chunk.end());
  const std::unique_ptr<libdeflate_decompressor, decltype(&libdeflate_free_decompressor)> unpacker(
      libdeflate_alloc_decompressor(), libdeflate_free_decompressor);
  std::vector<std::uint8_t> profile(kProfileBytesMax);
  std::size_t size_bytes = 0;
  if (!unpacker ||
      libdeflate_zlib_decompress(unpacker.get(), packed.data(), packed.size(), profile.data(),
                                 profile.size(), &size_bytes) != LIBDEFLATE_SUCCESS)
    return {};
  profile.resize(size_bytes);
  return profile;
}

/// The profile's bytes, at most `kProfileBytesMax` of them; empty: none.
std::vector<std::uint8_t> read_profile(Bytes file, Format format) {
  switch (format) {
    case Format::jpeg: {
      constexpr int kInks = 4;
      if (read_jpeg_markers(file).channels == kInks) return {};
      return read_jpeg_profile(file, kProfileBytesMax);
    }
    case Format::png:
      return unpacked(find_png_chunk(file, "iCCP"));
    case Format::webp: {
      const Bytes chunk = find_webp_chunk(file, "ICCP");
      if (chunk.size() > kProfileBytesMax) return {};
      return {chunk.begin(), chunk.end()};
    }
    case Format::gif:
      break;
  }
  return {};
}

/// Primaries, transfer, matrix and range of a PNG. PNG specification (third edition), 11.3.2.6, and
/// ITU-T H.273, 8.1 and 8.2. The other curves are those of video, most of them of HDR.
bool is_coded(Bytes file, std::uint8_t primaries) {
  constexpr std::uint8_t kSrgbCurve = 13;
  const Bytes chunk = find_png_chunk(file, "cICP");
  const std::uint8_t wanted[] = {primaries, kSrgbCurve, 0, 1};
  return std::equal(chunk.begin(), chunk.end(), std::begin(wanted), std::end(wanted));
}

/// SMPTE EG 432-1's primaries under D65, with sRGB's curve (IEC 61966-2-1).
Profile make_display_p3() {
  constexpr cmsCIExyY kD65{0.3127, 0.3290, 1};
  constexpr cmsCIExyYTRIPLE kPrimaries{{0.680, 0.320, 1}, {0.265, 0.690, 1}, {0.150, 0.060, 1}};
  constexpr double kSrgbCurve[] = {2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045};
  const std::unique_ptr<cmsToneCurve, decltype(&cmsFreeToneCurve)> curve(
      cmsBuildParametricToneCurve(nullptr, 4, kSrgbCurve), cmsFreeToneCurve);
  if (!curve) return nullptr;
  cmsToneCurve* const curves[] = {curve.get(), curve.get(), curve.get()};
  return Profile(cmsCreateRGBProfile(&kD65, &kPrimaries, curves));
}

/// What the file says, if that is not sRGB; null: nothing.
Profile open_profile(Bytes file, Format format) {
  constexpr std::uint8_t kSrgb = 1;
  constexpr std::uint8_t kDisplayP3 = 12;
  if (format == Format::png && is_coded(file, kSrgb)) return nullptr;
  if (format == Format::png && is_coded(file, kDisplayP3)) return make_display_p3();
  const std::vector<std::uint8_t> bytes = read_profile(file, format);
  if (bytes.empty()) return nullptr;
  Profile profile(cmsOpenProfileFromMem(bytes.data(), static_cast<cmsUInt32Number>(bytes.size())));
  // Steps in floating point, as many as a file likes, which would be taken instead of its tables or
  // its matrix.
  if (profile) cmsWriteTag(profile.get(), cmsSigDToB0Tag, nullptr);
  return profile;
}

Transform make_transform(const Profile& from, cmsUInt32Number layout, cmsUInt32Number result_layout,
                         cmsUInt32Number flags) {
  const Profile srgb(cmsCreate_sRGBProfile());
  if (!srgb) return nullptr;
  return Transform(
      cmsCreateTransform(from.get(), layout, srgb.get(), result_layout, INTENT_PERCEPTUAL, flags));
}

/// Whether nothing moved by more than rounding does.
bool is_same(std::span<const std::uint8_t> before, std::span<const std::uint8_t> after) {
  return std::equal(before.begin(), before.end(), after.begin(), after.end(),
                    [](int a, int b) { return std::abs(a - b) <= 1; });
}

bool is_grey(const Picture& picture) {
  const auto channels = static_cast<std::size_t>(picture.channels);
  for (std::size_t i = 0; i < picture.pixels.size(); i += channels) {
    const std::uint8_t* const pixel = picture.pixels.data() + i;
    if (pixel[0] != pixel[1] || pixel[1] != pixel[2]) return false;
  }
  return true;
}

/// By a table of all greys, for the library's short way is rough with one channel.
void convert_grey(Picture& picture, const Profile& profile) {
  constexpr std::size_t kGreys = 256;
  const Transform transform = make_transform(profile, TYPE_GRAY_8, TYPE_RGB_8, cmsFLAGS_NOOPTIMIZE);
  if (!transform || !is_grey(picture)) return;
  std::array<std::uint8_t, kGreys> greys;
  std::iota(greys.begin(), greys.end(), std::uint8_t{0});
  std::array<std::uint8_t, 3 * kGreys> srgb;
  cmsDoTransform(transform.get(), greys.data(), srgb.data(), kGreys);
  std::array<std::uint8_t, 3 * kGreys> stored;
  for (std::size_t i = 0; i < stored.size(); ++i) stored[i] = static_cast<std::uint8_t>(i / 3);
  if (is_same(stored, srgb)) return;
  const auto channels = static_cast<std::size_t>(picture.channels);
  for (std::size_t i = 0; i < picture.pixels.size(); i += channels)
    std::copy_n(srgb.data() + 3 * std::size_t{picture.pixels[i]}, 3, picture.pixels.data() + i);
}

/// A grid of colours, as a picture with these channels.
Picture colour_grid(int channels) {
  constexpr int kLevels = 16;
  constexpr int kStep = 255 / (kLevels - 1);
  Picture grid{.width = kLevels, .height = kLevels * kLevels, .channels = channels, .pixels = {}};
  for (int i = 0; i < grid.width * grid.height; ++i) {
    const int pixel[] = {i / (kLevels * kLevels), i / kLevels % kLevels, i % kLevels, 0};
    for (int c = 0; c < channels; ++c)
      grid.pixels.push_back(static_cast<std::uint8_t>(pixel[c] * kStep));
  }
  return grid;
}

void apply(const Transform& transform, Picture& picture) {
  const std::size_t row_bytes = area_bytes(picture.width, 1, picture.channels);
  for (std::size_t at = 0; at < picture.pixels.size(); at += row_bytes) {
    std::uint8_t* const row = picture.pixels.data() + at;
    cmsDoTransform(transform.get(), row, row, static_cast<cmsUInt32Number>(picture.width));
  }
}

void convert_rgb(Picture& picture, const Profile& profile) {
  const cmsUInt32Number layout = picture.channels == 4 ? TYPE_RGBA_8 : TYPE_RGB_8;
  const Transform transform = make_transform(profile, layout, layout, 0);
  if (!transform) return;
  const Picture grid = colour_grid(picture.channels);
  Picture converted = grid;
  apply(transform, converted);
  if (!is_same(grid.pixels, converted.pixels)) apply(transform, picture);
}

}  // namespace

void convert_to_srgb(Picture& picture, Bytes file, Format format) {
  const Profile profile = open_profile(file, format);
  if (!profile) return;
  const cmsColorSpaceSignature space = cmsGetColorSpace(profile.get());
  if (space == cmsSigGrayData) convert_grey(picture, profile);
  if (space == cmsSigRgbData) convert_rgb(picture, profile);
}

}  // namespace imagined::image
