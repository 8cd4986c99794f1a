#include "image/decode.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <string_view>

#include "image/bytes.h"
#include "image/colour_profile.h"
#include "image/decode_format.h"
#include "image/jpeg_markers.h"

namespace imagined::image {
namespace {

using Size = JpegMarkers::Size;

/// Signature (8), then the IHDR chunk: length 13, type, width, height.
/// PNG specification (third edition), 5.2 and 11.2.1.
std::optional<Size> png_size(Bytes file) {
  if (file.size() < 33 || big_endian(file, 8, 4) != 13 || !begins_with(file, "IHDR", 12))
    return std::nullopt;
  return Size{big_endian(file, 16, 4), big_endian(file, 20, 4)};
}

/// RIFF, size, WEBP, then VP8 , VP8L or VP8X. RFC 9649, 2.5 to 2.7 and 3.4; RFC 6386, 9.1.
std::optional<Size> webp_size(Bytes file) {
  if (begins_with(file, "VP8X", 12) && file.size() >= 30)
    return Size{little_endian(file, 24, 3) + 1, little_endian(file, 27, 3) + 1};
  if (begins_with(file, "VP8L", 12) && file.size() >= 25 && file[20] == 0x2F) {
    const std::uint32_t bits = little_endian(file, 21, 4);
    return Size{(bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1};
  }
  if (begins_with(file, "VP8 ", 12) && file.size() >= 30 && begins_with(file, "\x9D\x01\x2A", 23))
    return Size{little_endian(file, 26, 2) & 0x3FFF, little_endian(file, 28, 2) & 0x3FFF};
  return std::nullopt;
}

/// The screen, or as much as the first picture needs where that stands out of it, as in Pillow.
/// GIF89a specification, 18 (screen), 19 (palette), 20 (picture), 23 to 26 (extensions).
std::optional<Size> gif_size(Bytes file) {
  constexpr std::size_t kScreenEnd = 13;
  if (file.size() < kScreenEnd) return std::nullopt;
  const std::uint8_t flags = file[10];
  std::size_t at = kScreenEnd + ((flags & 0x80) != 0 ? 3u << ((flags & 7) + 1) : 0);
  while (at < file.size() && file[at] == '!') {
    at += 2;
    while (at < file.size() && file[at] != 0) at += file[at] + 1u;
    ++at;
  }
  if (at >= file.size() || file[at] != ',' || file.size() - at < 10) return std::nullopt;
  const auto side = [&](std::size_t screen, std::size_t offset, std::size_t size) {
    return std::max(little_endian(file, screen, 2),
                    little_endian(file, at + offset, 2) + little_endian(file, at + size, 2));
  };
  return Size{side(6, 1, 5), side(8, 3, 7)};
}

std::optional<Format> format_of(Bytes file) {
  if (begins_with(file, "\x89PNG\r\n\x1A\n")) return Format::png;
  if (begins_with(file, "\xFF\xD8\xFF")) return Format::jpeg;
  if (begins_with(file, "RIFF") && begins_with(file, "WEBP", 8)) return Format::webp;
  if (begins_with(file, "GIF87a") || begins_with(file, "GIF89a")) return Format::gif;
  return std::nullopt;
}

std::optional<Size> size_in(Bytes file, Format format) {
  switch (format) {
    case Format::jpeg:
      return read_jpeg_markers(file).size;
    case Format::png:
      return png_size(file);
    case Format::webp:
      return webp_size(file);
    case Format::gif:
      return gif_size(file);
  }
  CHECK(false, "no picture format {}", static_cast<int>(format));
}

bool is_within(const Shrink& size, const DecodeLimits& limits) {
  return size.width <= limits.side_px_max && size.height <= limits.side_px_max &&
         std::int64_t{size.width} * size.height <= limits.area_px_max;
}

/// Other formats that people send, for the message; "of an unknown format" for the rest.
std::string_view foreign_format(Bytes file) {
  struct Magic {
    std::string_view bytes;
    std::size_t at;
    std::string_view what;
  };
  using namespace std::string_view_literals;
  // An ISO file names its kind behind "ftyp".
  static constexpr Magic kMagics[] = {
      {"ftyphei"sv, 4, "a HEIC file"},
      {"ftyphev"sv, 4, "a HEIC file"},
      {"ftypmif1"sv, 4, "a HEIF file"},
      {"ftypavif"sv, 4, "an AVIF file"},
      {"ftyp"sv, 4, "a video"},
      {"BM"sv, 0, "a BMP file"},
      {"II*\0"sv, 0, "a TIFF file"},
      {"MM\0*"sv, 0, "a TIFF file"},
      {"\xFF\x0A"sv, 0, "a JPEG XL file"},
      {"JXL \r\n"sv, 4, "a JPEG XL file"},
      {"jP  \r\n"sv, 4, "a JPEG 2000 file"},
      {"8BPS"sv, 0, "a Photoshop file"},
      {"%PDF"sv, 0, "a PDF file"},
      {"<svg"sv, 0, "an SVG file"},
      {"<!DOCTYPE html"sv, 0, "an HTML page"},
      {"<!doctype html"sv, 0, "an HTML page"},
      {"<html"sv, 0, "an HTML page"},
  };
  for (const Magic& magic : kMagics)
    if (begins_with(file, magic.bytes, magic.at)) return magic.what;
  return "of an unknown format";
}

Result<void> check_limits(const Header& header, const DecodeLimits& limits) {
  const std::int64_t area = std::int64_t{header.width} * header.height;
  const int side_max = std::max(limits.stored_side_px_max, limits.side_px_max);
  if (header.width > side_max || header.height > side_max)
    return fail(ErrorCode::invalid_argument,
                fmt::format("the image has {} x {} pixels, at most {} per side are allowed",
                            header.width, header.height, side_max),
                "image");
  const std::int64_t area_max = std::max(limits.stored_area_px_max, limits.area_px_max);
  if (area > area_max) return too_large(header, area_max, "are allowed");
  if (!is_within(shrink_for(header, limits), limits))
    return too_large(header, limits.area_px_max, "are allowed, and it cannot be made so small");
  return {};
}

Result<Picture> decode_as_stored(Bytes file, const Header& header, const DecodeLimits& limits) {
  const Shrink shrink = shrink_for(header, limits);
  switch (header.format) {
    case Format::jpeg:
      return decode_jpeg(file, header, shrink, limits);
    case Format::png:
      return decode_png(file, header, shrink, limits);
    case Format::webp:
      return decode_webp(file, header, shrink, limits);
    case Format::gif:
      return decode_gif(file, header, shrink, limits);
  }
  CHECK(false, "no picture format {}", static_cast<int>(header.format));
}

}  // namespace

tl::unexpected<Error> too_large(const Header& header, std::int64_t area_max,
                                std::string_view allowed) {
  return fail(
      ErrorCode::invalid_argument,
      fmt::format("the image has {} x {} = {} pixels, at most {} {}", header.width, header.height,
                  std::int64_t{header.width} * header.height, area_max, allowed),
      "image");
}

Result<void> check_held(const Header& header, const Shrink& shrink, const DecodeLimits& limits,
                        std::string_view kind) {
  const std::int64_t area = std::int64_t{header.width} * header.height;
  if (shrink.factor == 1 || area <= limits.held_area_px_max) return {};
  return too_large(header, limits.held_area_px_max, fmt::format("are allowed for {}", kind));
}

Result<Header> read_header(Bytes file) {
  if (file.empty()) return fail(ErrorCode::invalid_argument, "the image is empty", "image");
  const auto format = format_of(file);
  if (!format)
    return fail(
        ErrorCode::unsupported_media_type,
        fmt::format("the image is {}, expected JPEG, PNG, WebP or GIF", foreign_format(file)),
        "image");
  const auto size = size_in(file, *format);
  constexpr std::uint32_t kSideMax = 0x7FFFFFFF;  // PNG's own limit, and an int's
  const bool sound = size && size->width > 0 && size->height > 0 && size->width <= kSideMax &&
                     size->height <= kSideMax;
  if (!sound) return broken_image(to_string(*format), "no size in its header");
  return Header{.format = *format,
                .width = static_cast<int>(size->width),
                .height = static_cast<int>(size->height),
                .orientation = read_orientation(file, *format)};
}

Shrink shrink_for(const Header& header, const DecodeLimits& limits) {
  constexpr int kJpegMost = 8;  // of libjpeg
  const bool is_jpeg = header.format == Format::jpeg;
  Shrink shrink{.factor = 1, .width = header.width, .height = header.height};
  while (!is_within(shrink, limits) && (shrink.width > 1 || shrink.height > 1) &&
         !(is_jpeg && shrink.factor == kJpegMost)) {
    shrink.factor = is_jpeg ? 2 * shrink.factor : shrink.factor + 1;
    shrink.width = (header.width - 1) / shrink.factor + 1;
    shrink.height = (header.height - 1) / shrink.factor + 1;
  }
  return shrink;
}

Result<Header> check_header(Bytes file, const DecodeLimits& limits) {
  if (file.size() > limits.bytes_max)
    return fail(ErrorCode::payload_too_large,
                fmt::format("the image has {} bytes, at most {} are allowed", file.size(),
                            limits.bytes_max),
                "image");
  const Header header = TRY(read_header(file));
  TRY(check_limits(header, limits));
  return header;
}

Result<Picture> decode(Bytes file, const DecodeLimits& limits, Colours colours) {
  const Header header = TRY(check_header(file, limits));
  Picture picture = TRY(decode_as_stored(file, header, limits));
  if (colours == Colours::as_srgb) convert_to_srgb(picture, file, header.format);
  return turned(std::move(picture), header.orientation);
}

}  // namespace imagined::image
