#include "video/mp4_write.h"

#include <array>
#include <cstddef>
#include <string_view>

#include "base/check.h"

namespace imagined::video {
namespace {

constexpr std::size_t kFileBytesMax = std::size_t{2} << 30;  // an offset has 32 bits
// Of one frame: with so many units a player's rounding of a time stays within the frame.
constexpr std::uint32_t kUnitsPerFrame = 512;
constexpr std::uint32_t kTrack = 1;
constexpr std::array<std::uint8_t, 16> kXmp = {0xBE, 0x7A, 0xCF, 0xCB, 0x97, 0xA9, 0x42, 0xE8,
                                               0x9C, 0x71, 0x99, 0x94, 0x91, 0xE3, 0xAF, 0xAC};
constexpr std::uint16_t kBt709 = 1;  // primaries, transfer and matrix have the same number

class BoxWriter {
 public:
  void u8(std::uint32_t value) { out_.push_back(static_cast<std::uint8_t>(value)); }
  void u16(std::uint32_t value) {
    u8(value >> 8);
    u8(value);
  }
  void u32(std::uint32_t value) {
    u16(value >> 16);
    u16(value);
  }
  void zeros(int count) { out_.insert(out_.end(), static_cast<std::size_t>(count), 0); }
  void text(std::string_view text) { out_.insert(out_.end(), text.begin(), text.end()); }
  void bytes(std::span<const std::uint8_t> bytes) {
    out_.insert(out_.end(), bytes.begin(), bytes.end());
  }

  /// A box with what `fill` writes.
  template <class Fill>
  void box(std::string_view type, Fill fill) {
    const std::size_t start = out_.size();
    u32(0);
    text(type);
    fill();
    set_u32(start, static_cast<std::uint32_t>(out_.size() - start));
  }
  /// The same with a version, always 0, and flags.
  template <class Fill>
  void full_box(std::string_view type, std::uint32_t flags, Fill fill) {
    box(type, [&] {
      u32(flags);
      fill();
    });
  }

  std::size_t size() const { return out_.size(); }
  void set_u32(std::size_t at, std::uint32_t value) {
    for (std::size_t i = 0; i < 4; ++i)
      out_[at + i] = static_cast<std::uint8_t>(value >> (24 - 8 * i));
  }
  std::vector<std::uint8_t> take() { return std::move(out_); }

 private:
  std::vector<std::uint8_t> out_;
};

/// What is written, box by box, under the names of the standard.
class Mp4 {
 public:
  Mp4(const VideoShape& shape, const SampleEntry& entry, std::span<const CodedFrame> frames,
      std::string_view xmp)
      : shape_(shape), entry_(entry), frames_(frames), xmp_(xmp) {}

  std::vector<std::uint8_t> write() {
    std::size_t frame_bytes = 0;
    for (const CodedFrame& frame : frames_) frame_bytes += frame.bytes.size();
    CHECK(frame_bytes < kFileBytesMax, "{} bytes of frames", frame_bytes);
    out_.box("ftyp", [&] {
      out_.text("isom");
      out_.u32(512);
      for (const std::string_view brand : {std::string_view("isom"), std::string_view("iso2"),
                                           entry_.type, std::string_view("mp41")})
        out_.text(brand);
    });
    out_.box("moov", [&] {
      write_mvhd();
      out_.box("trak", [&] { write_trak(); });
    });
    if (!xmp_.empty())
      out_.box("uuid", [&] {
        out_.bytes(kXmp);
        out_.text(xmp_);
      });
    out_.box("mdat", [&] {
      out_.set_u32(chunk_offset_at_, static_cast<std::uint32_t>(out_.size()));
      for (const CodedFrame& frame : frames_) out_.bytes(frame.bytes);
    });
    return out_.take();
  }

 private:
  std::uint32_t count() const { return static_cast<std::uint32_t>(frames_.size()); }
  std::uint32_t units_per_second() const {
    return kUnitsPerFrame * static_cast<std::uint32_t>(shape_.frames_per_second);
  }
  std::uint32_t duration() const { return kUnitsPerFrame * count(); }

  void write_matrix() {  // neither turned nor scaled
    for (const std::uint32_t value : {0x10000u, 0u, 0u, 0u, 0x10000u, 0u, 0u, 0u, 0x40000000u})
      out_.u32(value);
  }

  void write_mvhd() {
    out_.full_box("mvhd", 0, [&] {
      out_.zeros(8);  // made and changed at no time
      out_.u32(units_per_second());
      out_.u32(duration());
      out_.u32(0x10000);  // at its own speed
      out_.u16(0x100);    // at full volume
      out_.zeros(10);
      write_matrix();
      out_.zeros(24);
      out_.u32(kTrack + 1);  // of the track after the last
    });
  }

  void write_trak() {
    constexpr std::uint32_t kEnabledInMovie = 3;
    out_.full_box("tkhd", kEnabledInMovie, [&] {
      out_.zeros(8);
      out_.u32(kTrack);
      out_.zeros(4);
      out_.u32(duration());
      out_.zeros(8 + 8);  // layer, group, volume
      write_matrix();
      out_.u32(static_cast<std::uint32_t>(shape_.width) << 16);
      out_.u32(static_cast<std::uint32_t>(shape_.height) << 16);
    });
    out_.box("mdia", [&] {
      out_.full_box("mdhd", 0, [&] {
        out_.zeros(8);
        out_.u32(units_per_second());
        out_.u32(duration());
        out_.u16(0x55C4);  // "und", the language
        out_.zeros(2);
      });
      out_.full_box("hdlr", 0, [&] {
        out_.zeros(4);
        out_.text("vide");
        out_.zeros(12 + 1);  // no name
      });
      out_.box("minf", [&] {
        out_.full_box("vmhd", 1, [&] { out_.zeros(8); });
        out_.box("dinf", [&] {
          out_.full_box("dref", 0, [&] {
            out_.u32(1);
            out_.full_box("url ", 1, [] {});  // in this file
          });
        });
        out_.box("stbl", [&] { write_stbl(); });
      });
    });
  }

  void write_stbl() {
    out_.full_box("stsd", 0, [&] {
      out_.u32(1);
      out_.box(entry_.type, [&] { write_entry(); });
    });
    out_.full_box("stts", 0, [&] {
      out_.u32(1);
      out_.u32(count());
      out_.u32(kUnitsPerFrame);
    });
    out_.full_box("stss", 0, [&] {
      const std::size_t count_at = out_.size();
      std::uint32_t keys = 0;
      out_.u32(0);
      for (std::size_t i = 0; i < frames_.size(); ++i) {
        if (!frames_[i].is_key) continue;
        out_.u32(static_cast<std::uint32_t>(i + 1));
        ++keys;
      }
      out_.set_u32(count_at, keys);
    });
    out_.full_box("stsc", 0, [&] {  // all in one chunk
      for (const std::uint32_t value : {1u, 1u, count(), 1u}) out_.u32(value);
    });
    out_.full_box("stsz", 0, [&] {
      out_.u32(0);
      out_.u32(count());
      for (const CodedFrame& frame : frames_)
        out_.u32(static_cast<std::uint32_t>(frame.bytes.size()));
    });
    out_.full_box("stco", 0, [&] {
      out_.u32(1);
      chunk_offset_at_ = out_.size();
      out_.u32(0);
    });
  }

  void write_entry() {
    out_.zeros(6);
    out_.u16(1);  // the data reference
    out_.zeros(16);
    out_.u16(static_cast<std::uint32_t>(shape_.width));
    out_.u16(static_cast<std::uint32_t>(shape_.height));
    out_.u32(72u << 16);  // dots per inch, both ways
    out_.u32(72u << 16);
    out_.zeros(4);
    out_.u16(1);  // frame a sample
    out_.zeros(32);
    out_.u16(24);  // bits a pixel
    out_.u16(0xFFFF);
    out_.box(entry_.configuration_type, [&] { out_.bytes(entry_.configuration); });
    out_.box("colr", [&] {
      out_.text("nclx");
      for (int i = 0; i < 3; ++i) out_.u16(kBt709);
      out_.u8(0);  // limited range
    });
    out_.box("pasp", [&] {  // square pixels
      out_.u32(1);
      out_.u32(1);
    });
  }

  const VideoShape& shape_;
  const SampleEntry& entry_;
  std::span<const CodedFrame> frames_;
  std::string_view xmp_;
  BoxWriter out_;
  std::size_t chunk_offset_at_ = 0;
};

}  // namespace

std::vector<std::uint8_t> write_mp4(const VideoShape& shape, const SampleEntry& entry,
                                    std::span<const CodedFrame> frames, std::string_view xmp) {
  CHECK(!frames.empty() && frames.front().is_key, "a video that does not begin with a key frame");
  return Mp4(shape, entry, frames, xmp).write();
}

}  // namespace imagined::video
