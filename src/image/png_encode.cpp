// PNG by our own writer: each row as its difference to the row above (the filter Up), and a deflate
// stream made for such rows. PNG specification (third edition), 5, 9 and 11; RFC 1950.
#include <libdeflate.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <string_view>

#include "image/decode_format.h"
#include "image/encode.h"
#include "image/run_deflate.h"

namespace imagined::image {
namespace {

constexpr std::uint8_t kFilterUp = 2;
constexpr std::size_t kBandBytes = 256u << 10;  // a block's worth of rows, within the second cache

void put_big_endian(std::uint8_t* out, std::uint32_t value) {
  const std::array bytes = {
      static_cast<std::uint8_t>(value >> 24), static_cast<std::uint8_t>(value >> 16),
      static_cast<std::uint8_t>(value >> 8), static_cast<std::uint8_t>(value)};
  std::memcpy(out, bytes.data(), bytes.size());
}

void append_big_endian(std::vector<std::uint8_t>& out, std::uint32_t value) {
  out.resize(out.size() + 4);
  put_big_endian(out.data() + out.size() - 4, value);
}

/// Appends a chunk's length (for now zero) and type; returns where its data begin.
std::size_t open_chunk(std::vector<std::uint8_t>& file, std::string_view type) {
  append_big_endian(file, 0);
  for (const char letter : type) file.push_back(static_cast<std::uint8_t>(letter));
  return file.size();
}

/// Fills the length in and appends the checksum.
void close_chunk(std::vector<std::uint8_t>& file, std::size_t data) {
  const std::size_t size = file.size() - data;
  put_big_endian(file.data() + data - 8, static_cast<std::uint32_t>(size));
  append_big_endian(file, libdeflate_crc32(0, file.data() + data - 4, size + 4));
}

void append_header(std::vector<std::uint8_t>& file, const PixelsView& pixels) {
  constexpr std::string_view kSignature = "\x89PNG\r\n\x1A\n";
  for (const char byte : kSignature) file.push_back(static_cast<std::uint8_t>(byte));
  const std::size_t data = open_chunk(file, "IHDR");
  append_big_endian(file, static_cast<std::uint32_t>(pixels.width));
  append_big_endian(file, static_cast<std::uint32_t>(pixels.height));
  const std::uint8_t colour_type = pixels.channels == 4 ? 6 : 2;  // RGBA, RGB
  // 8 bits per channel; deflate, adaptive filters, not interlaced.
  for (const std::uint8_t byte :
       {std::uint8_t{8}, colour_type, std::uint8_t{0}, std::uint8_t{0}, std::uint8_t{0}})
    file.push_back(byte);
  close_chunk(file, data);
}

/// out = the filter's number, then row - above, byte by byte, modulo 256.
void filter_row(const std::uint8_t* row, const std::uint8_t* above, std::size_t size,
                std::uint8_t* out) {
  *out++ = kFilterUp;
  for (std::size_t i = 0; i < size; ++i) out[i] = static_cast<std::uint8_t>(row[i] - above[i]);
}

void append_pixels(std::vector<std::uint8_t>& file, const PixelsView& pixels) {
  const std::size_t size = area_bytes(pixels.width, 1, pixels.channels);
  const auto height = static_cast<std::size_t>(pixels.height);
  const std::size_t band_rows = std::max<std::size_t>(1, kBandBytes / (size + 1));
  const std::vector<std::uint8_t> zeros(size);  // what lies above the first row
  std::vector<std::uint8_t> band((size + 1) * std::min(band_rows, height));
  std::uint32_t checksum = libdeflate_adler32(0, nullptr, 0);
  file.push_back(0x78);  // deflate, window of 32 KiB
  file.push_back(0x01);  // fastest; makes the two a multiple of 31
  RunDeflate deflate(file);
  for (std::size_t first = 0; first < height; first += band_rows) {
    const std::size_t end = std::min(first + band_rows, height);
    for (std::size_t y = first; y < end; ++y) {
      const std::uint8_t* row = pixels.bytes.data() + y * size;
      filter_row(row, y == 0 ? zeros.data() : row - size, size,
                 band.data() + (y - first) * (size + 1));
    }
    const std::span rows = std::span(band).first((end - first) * (size + 1));
    checksum = libdeflate_adler32(checksum, rows.data(), rows.size());
    deflate.write_block(rows, end == height ? RunDeflate::Last::yes : RunDeflate::Last::no);
  }
  deflate.finish();
  append_big_endian(file, checksum);
}

}  // namespace

std::vector<std::uint8_t> encode_png(const PixelsView& pixels) {
  check_view(pixels);
  std::vector<std::uint8_t> file;
  file.reserve(pixels.bytes.size());
  append_header(file, pixels);
  const std::size_t data = open_chunk(file, "IDAT");
  append_pixels(file, pixels);
  close_chunk(file, data);
  close_chunk(file, open_chunk(file, "IEND"));
  return file;
}

}  // namespace imagined::image
