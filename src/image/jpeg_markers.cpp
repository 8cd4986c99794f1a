#include "image/jpeg_markers.h"

#include <cstring>
#include <string_view>

#include "image/bytes.h"

namespace imagined::image {
namespace {

constexpr std::uint8_t kEndOfImage = 0xD9;
constexpr std::uint8_t kStartOfScan = 0xDA;

bool is_frame(std::uint8_t marker) {  // all SOFn but DHT, JPG and DAC
  return marker >= 0xC0 && marker <= 0xCF && marker != 0xC4 && marker != 0xC8 && marker != 0xCC;
}

bool stands_alone(std::uint8_t marker) {  // TEM, restarts, start of image: no length follows
  return marker == 0x01 || (marker >= 0xD0 && marker <= 0xD8);
}

struct Segment {
  std::uint8_t marker = 0;
  Bytes data;            // behind the length
  std::size_t next = 0;  // where the file goes on
};

/// The segment whose marker begins at `at`, over fill bytes; none where there is no whole one.
std::optional<Segment> read_segment(Bytes file, std::size_t at) {
  if (at >= file.size() || file[at] != 0xFF) return std::nullopt;
  while (at < file.size() && file[at] == 0xFF) ++at;
  if (at >= file.size()) return std::nullopt;
  Segment segment{.marker = file[at], .data = {}, .next = at + 1};
  if (stands_alone(segment.marker) || segment.marker == kEndOfImage) return segment;
  if (file.size() - segment.next < 2) return std::nullopt;
  const std::size_t length = big_endian(file, segment.next, 2);
  if (length < 2 || length > file.size() - segment.next) return std::nullopt;
  segment.data = file.subspan(segment.next + 2, length - 2);
  segment.next += length;
  return segment;
}

/// The next marker behind coded pixels, in which FF is followed by 0 or is a restart.
std::size_t find_marker(Bytes file, std::size_t at) {
  while (at + 1 < file.size()) {
    const void* const found = std::memchr(file.data() + at, 0xFF, file.size() - at - 1);
    if (found == nullptr) break;
    at = static_cast<std::size_t>(static_cast<const std::uint8_t*>(found) - file.data());
    const std::uint8_t second = file[at + 1];
    if (second != 0 && second != 0xFF && !(second >= 0xD0 && second <= 0xD7)) return at;
    at += second == 0xFF ? 1 : 2;
  }
  return file.size();
}

}  // namespace

JpegMarkers read_jpeg_markers(Bytes file) {
  JpegMarkers markers;
  std::size_t at = 2;
  while (const auto segment = read_segment(file, at)) {
    const Bytes data = segment->data;
    if (segment->marker == kStartOfScan || segment->marker == kEndOfImage) break;
    if (is_frame(segment->marker) && !markers.size && data.size() >= 6) {
      markers.size = {big_endian(data, 3, 2), big_endian(data, 1, 2)};
      markers.channels = data[5];
      markers.progressive = segment->marker == 0xC2;
    }
    if (segment->marker == 0xE1 && markers.exif.empty() &&
        begins_with(data, std::string_view("Exif\0\0", 6))) {
      markers.exif = data;
    }
    if (segment->marker == 0xEE && begins_with(data, "Adobe")) markers.adobe = true;
    at = segment->next;
  }
  return markers;
}

std::vector<std::uint8_t> read_jpeg_profile(Bytes file, std::size_t bytes_max) {
  constexpr std::string_view kName("ICC_PROFILE\0", 12);
  constexpr std::size_t kHead = kName.size() + 2;  // which piece, counted from 1, and of how many
  std::vector<Bytes> pieces;
  std::size_t missing = 0;
  std::size_t size_bytes = 0;
  std::size_t at = 2;
  while (const auto segment = read_segment(file, at)) {
    const Bytes data = segment->data;
    at = segment->next;
    if (segment->marker == kStartOfScan || segment->marker == kEndOfImage) break;
    if (segment->marker != 0xE2 || !begins_with(data, kName) || data.size() <= kHead) continue;
    if (pieces.empty()) {
      missing = data[kHead - 1];
      pieces.resize(missing);
    }
    const std::size_t index = data[kHead - 2] - std::size_t{1};
    if (data[kHead - 1] != pieces.size() || index >= pieces.size() || !pieces[index].empty())
      return {};
    pieces[index] = data.subspan(kHead);
    size_bytes += pieces[index].size();
    --missing;
  }
  if (missing > 0 || size_bytes > bytes_max) return {};
  std::vector<std::uint8_t> profile;
  profile.reserve(size_bytes);
  for (const Bytes piece : pieces) profile.insert(profile.end(), piece.begin(), piece.end());
  return profile;
}

int count_jpeg_scans(Bytes file, int most) {
  int scans = 0;
  std::size_t at = 2;
  while (scans <= most) {
    const auto segment = read_segment(file, at);
    if (!segment || segment->marker == kEndOfImage) break;
    at = segment->next;
    if (segment->marker != kStartOfScan) continue;
    ++scans;
    at = find_marker(file, at);
  }
  return scans;
}

}  // namespace imagined::image
