#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace imagined::image {

/// Writes a deflate stream that knows one kind of match: runs of zero bytes, which is what is left
/// of flat areas once a picture's rows are filtered. Each block has its own prefix code, made from
/// a sample of the block. On a picture of the built-in model, 1024 x 1024, one Zen 4 core: 4.6 ms
/// and 626 KiB, against 30 ms and 590 KiB of libdeflate's level 1 behind the same filter.
class RunDeflate {
 public:
  /// Appends to `out`, which must outlive the writer.
  explicit RunDeflate(std::vector<std::uint8_t>& out);

  enum class Last : bool { no, yes };
  /// One block; any size, best some hundred kilobytes.
  void write_block(std::span<const std::uint8_t> bytes, Last last);
  /// Fills the last byte with zeros.
  void finish();

 private:
  std::vector<std::uint8_t>& out_;
  std::size_t end_;         // bytes written; out_ may be longer in between
  std::uint64_t bits_ = 0;  // not yet written, first one lowest
  int bit_count_ = 0;       // below 8 after flush()
};

}  // namespace imagined::image
