// PNG: each row as its difference to the row above (the filter Up), deflated by libdeflate.
// PNG specification (third edition), 5, 9 and 11; RFC 1950.
#include <libdeflate.h>

#include <array>
#include <cstring>
#include <memory>
#include <string_view>

#include "image/decode_format.h"
#include "image/encode.h"

namespace imagined::image {
namespace {

constexpr std::uint8_t kFilterUp = 2;
// Of 12. Higher ones gain a few percent of the size of generated pictures for several times the
// time.
constexpr int kLevel = 1;

struct FreeCompressor {
  void operator()(libdeflate_compressor* compressor) const {
    libdeflate_free_compressor(compressor);
  }
};

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

void append_header(std::vector<std::uint8_t>& file, const PictureView& picture) {
  constexpr std::string_view kSignature = "\x89PNG\r\n\x1A\n";
  for (const char byte : kSignature) file.push_back(static_cast<std::uint8_t>(byte));
  const std::size_t data = open_chunk(file, "IHDR");
  append_big_endian(file, static_cast<std::uint32_t>(picture.width));
  append_big_endian(file, static_cast<std::uint32_t>(picture.height));
  const std::uint8_t colour_type = picture.channels == 4 ? 6 : 2;  // RGBA, RGB
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

std::vector<std::uint8_t> filtered_rows(const PictureView& picture) {
  const std::size_t size = area_bytes(picture.width, 1, picture.channels);
  const auto height = static_cast<std::size_t>(picture.height);
  const std::vector<std::uint8_t> zeros(size);  // what lies above the first row
  std::vector<std::uint8_t> rows((size + 1) * height);
  for (std::size_t y = 0; y < height; ++y) {
    const std::uint8_t* row = picture.pixels.data() + y * size;
    filter_row(row, y == 0 ? zeros.data() : row - size, size, rows.data() + y * (size + 1));
  }
  return rows;
}

void append_pixels(std::vector<std::uint8_t>& file, const PictureView& picture) {
  const std::vector<std::uint8_t> rows = filtered_rows(picture);
  const std::unique_ptr<libdeflate_compressor, FreeCompressor> compressor(
      libdeflate_alloc_compressor(kLevel));
  CHECK(compressor != nullptr, "no memory for a deflate compressor");
  const std::size_t room = libdeflate_zlib_compress_bound(compressor.get(), rows.size());
  const std::size_t before = file.size();
  file.resize(before + room);
  const std::size_t size = libdeflate_zlib_compress(compressor.get(), rows.data(), rows.size(),
                                                    file.data() + before, room);
  CHECK(size > 0, "{} bytes deflated do not fit into {}", rows.size(), room);
  file.resize(before + size);
}

}  // namespace

std::vector<std::uint8_t> encode_png(const PictureView& picture) {
  check_view(picture);
  std::vector<std::uint8_t> file;
  append_header(file, picture);
  const std::size_t data = open_chunk(file, "IDAT");
  append_pixels(file, picture);
  close_chunk(file, data);
  close_chunk(file, open_chunk(file, "IEND"));
  return file;
}

}  // namespace imagined::image
