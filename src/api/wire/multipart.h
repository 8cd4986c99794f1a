// multipart/form-data (RFC 7578) from strangers, read as it arrives: no part is ever held here.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace imagined::api::wire {

struct MultipartLimits {
  std::size_t body_bytes_max = 64u << 20;
  std::size_t head_bytes_max = 4096;  // of one part: its fields together
  std::size_t name_bytes_max = 128;
  int parts_max = 64;
};

/// What stands above a part's bytes. Whether a part is a file is told by its name and never by
/// these: clients send files without a file name, and texts with a content type.
struct PartHead {
  std::string name;
  std::string file_name;  // empty when there is none
};

/// Where the parts go: begin, bytes (any number of times), end; then the next part. An error ends
/// the reading and is what `MultipartReader` returns.
class PartSink {
 public:
  virtual ~PartSink() = default;
  virtual Result<void> begin_part(const PartHead& head) = 0;
  virtual Result<void> part_bytes(std::string_view bytes) = 0;
  virtual Result<void> end_part() = 0;
};

/// The boundary that a Content-Type names: 1 to 70 printable characters, quoted or not.
/// `unsupported_media_type` when this is no multipart/form-data, `invalid_argument` for no boundary
/// or one that may not be.
Result<std::string> multipart_boundary(std::string_view content_type);

/// Stricter than RFC 2046 where two readers could disagree: nothing but one empty line stands
/// before the first boundary, lines end in CRLF, fields are not folded, bytes are not encoded
/// (`Content-Transfer-Encoding`). What follows the last boundary is passed over.
class MultipartReader {
 public:
  /// `sink` must outlive the reader.
  MultipartReader(std::string_view boundary, PartSink& sink, MultipartLimits limits = {});

  /// The next bytes of the body; keeps no more of them than a boundary and a head are long.
  /// `invalid_argument` for what is no multipart, `payload_too_large` above a limit. After an error
  /// the reader must not be used again.
  Result<void> feed(std::string_view bytes);
  /// The body has ended: `invalid_argument` when its last boundary has not come.
  Result<void> finish() const;

 private:
  enum class At : std::uint8_t { start, after_boundary, head, bytes, end };
  enum class Step : std::uint8_t { go_on, need_more };

  Result<Step> read_start();
  Result<Step> read_after_boundary();
  Result<Step> read_head();
  Result<Step> read_bytes();
  std::string_view rest() const { return std::string_view(held_).substr(taken_); }

  PartSink& sink_;
  const MultipartLimits limits_;
  const std::string delimiter_;  // CRLF, two dashes, boundary
  std::string held_;             // not yet understood, from taken_ on
  std::size_t taken_ = 0;
  std::size_t body_bytes_ = 0;
  int parts_ = 0;
  At at_ = At::start;
};

}  // namespace imagined::api::wire
