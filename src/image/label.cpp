#include "image/label.h"

#include <fmt/format.h>

#include <algorithm>
#include <span>

#include "base/check.h"
#include "base/crc32.h"

namespace imagined::image {
namespace {

constexpr std::size_t kPngHeaderBytes = 8 + 25;  // signature and IHDR
constexpr std::size_t kRiffHeaderBytes = 12;
constexpr std::size_t kVp8xBytes = 18;

using FileBytes = std::vector<std::uint8_t>;

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '"':
        out += "&quot;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

void insert(FileBytes& file, std::size_t at, std::string_view bytes) {
  file.insert(file.begin() + static_cast<std::ptrdiff_t>(at), bytes.begin(), bytes.end());
}

std::string big_endian(std::uint32_t value, int bytes) {
  std::string text;
  for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8)
    text += static_cast<char>(value >> shift);
  return text;
}

std::string little_endian(std::uint32_t value, int bytes) {
  std::string text = big_endian(value, bytes);
  return {text.rbegin(), text.rend()};
}

std::uint32_t read_little_endian(std::span<const std::uint8_t> bytes) {
  std::uint32_t value = 0;
  for (std::size_t i = bytes.size(); i-- > 0;) value = value << 8 | bytes[i];
  return value;
}

void label_png(FileBytes& file, std::string_view packet) {
  using namespace std::string_view_literals;
  CHECK(file.size() > kPngHeaderBytes, "a png of {} bytes", file.size());
  // Not compressed, of no language.
  std::string chunk = "iTXt";
  chunk += "XML:com.adobe.xmp\0\0\0\0\0"sv;
  chunk += packet;
  const auto size = static_cast<std::uint32_t>(chunk.size() - 4);
  insert(file, kPngHeaderBytes, big_endian(size, 4) + chunk + big_endian(crc32(chunk), 4));
}

void label_jpeg(FileBytes& file, std::string_view packet) {
  using namespace std::string_literals;
  CHECK(file.size() > 6 && file[2] == 0xFF && file[3] == 0xE0, "a jpeg without APP0");
  const std::size_t behind_app0 = 4 + (std::size_t{file[4]} << 8 | file[5]);
  std::string segment = "http://ns.adobe.com/xap/1.0/\0"s;
  segment += packet;
  const std::size_t size = segment.size() + 2;
  CHECK(size <= 0xFFFF, "a packet of {} bytes", packet.size());
  insert(file, behind_app0, "\xFF\xE1" + big_endian(static_cast<std::uint32_t>(size), 2) + segment);
}

/// The header of a file with more chunks than its pixels, where the encoder has written none.
/// Lossy: sizes stand in 14 bits at byte 26 (RFC 6386, 9.1).
std::string vp8x_of(const FileBytes& file) {
  const std::span<const std::uint8_t> bytes(file);
  CHECK(file.size() > 30 && file[15] == ' ', "a webp that is not lossy");
  const std::uint32_t width = read_little_endian(bytes.subspan(26, 2)) & 0x3FFF;
  const std::uint32_t height = read_little_endian(bytes.subspan(28, 2)) & 0x3FFF;
  return "VP8X" + little_endian(kVp8xBytes - 8, 4) + little_endian(0, 4) +
         little_endian(width - 1, 3) + little_endian(height - 1, 3);
}

void label_webp(FileBytes& file, std::string_view packet) {
  constexpr std::uint8_t kHasXmp = 0x04;
  CHECK(file.size() > kRiffHeaderBytes + 8, "a webp of {} bytes", file.size());
  if (file[15] != 'X') insert(file, kRiffHeaderBytes, vp8x_of(file));
  file[kRiffHeaderBytes + 8] |= kHasXmp;
  const auto size = static_cast<std::uint32_t>(packet.size());
  insert(file, file.size(), "XMP " + little_endian(size, 4) + std::string(packet));
  if (size % 2 == 1) file.push_back(0);
  const std::string whole = little_endian(static_cast<std::uint32_t>(file.size() - 8), 4);
  std::copy(whole.begin(), whole.end(), file.begin() + 4);
}

}  // namespace

std::string xmp_packet(const Label& label) {
  return fmt::format(
      "<?xpacket begin=\"\xEF\xBB\xBF\" id=\"W5M0MpCehiHzreSzNTczkc9d\"?>"
      "<x:xmpmeta xmlns:x=\"adobe:ns:meta/\">"
      "<rdf:RDF xmlns:rdf=\"http://www.w3.org/1999/02/22-rdf-syntax-ns#\">"
      "<rdf:Description rdf:about=\"\" xmlns:xmp=\"http://ns.adobe.com/xap/1.0/\" "
      "xmlns:Iptc4xmpExt=\"http://iptc.org/std/Iptc4xmpExt/2008-02-29/\" "
      "xmlns:imagined=\"urn:imagined:1\" xmp:CreatorTool=\"imagined\" "
      "Iptc4xmpExt:DigitalSourceType=\"http://cv.iptc.org/newscodes/digitalsourcetype/{}\" "
      "imagined:Model=\"{}\" imagined:Seed=\"{}\" imagined:PromptSHA256=\"{}\"/>"
      "</rdf:RDF></x:xmpmeta><?xpacket end=\"r\"?>",
      label.of_given_pictures ? "compositeWithTrainedAlgorithmicMedia" : "trainedAlgorithmicMedia",
      escaped(label.model), label.seed, label.prompt_sha256);
}

FileBytes with_label(FileBytes file, Format format, const Label& label) {
  const std::string packet = xmp_packet(label);
  switch (format) {
    case Format::png:
      label_png(file, packet);
      return file;
    case Format::jpeg:
      label_jpeg(file, packet);
      return file;
    case Format::webp:
      label_webp(file, packet);
      return file;
    case Format::gif:
      break;
  }
  CHECK(false, "pictures are not written as {}", to_string(format));
}

}  // namespace imagined::image
