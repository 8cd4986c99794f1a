// What the marker segments of a JPEG say, read by our own code before a library sees the file.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

namespace imagined::image {

struct JpegMarkers {
  struct Size {
    std::uint32_t width = 0;
    std::uint32_t height = 0;
  };
  std::optional<Size> size;  // of the frame; none when the file has none before its pixels
  bool progressive = false;  //
  bool adobe = false;        // has Adobe's segment: CMYK is stored inverted
  std::span<const std::uint8_t> exif;  // the segment's content with "Exif\0\0"; empty: none
};

/// Walks the segments up to the first scan. ITU-T T.81, B.1 and B.2.
JpegMarkers read_jpeg_markers(std::span<const std::uint8_t> file);

/// How many scans the picture has; stops counting above `most`.
int count_jpeg_scans(std::span<const std::uint8_t> file, int most);

}  // namespace imagined::image
