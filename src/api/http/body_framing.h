// Where a request's body begins and ends in the bytes of a connection (RFC 9112, 6 and 7), read as
// strictly as the head (head.h) and, like it, without any input or output of its own.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "api/http/head.h"

namespace imagined::api {

/// Takes a body out of its frame as the bytes arrive:
///
///   for (auto piece = framing.next(input); !piece.empty(); piece = framing.next(input))
///   store(piece); if (!framing.done() && !framing.error()) read more
class BodyFraming {
 public:
  BodyFraming(const Head& head, std::uint64_t bytes_max);

  /// The next piece of the body, cut off the front of `input` together with the frame before it.
  /// Empty: more bytes are needed (what is left of `input` must come again, with more behind it),
  /// or the end of the body, or an error.
  std::string_view next(std::string_view& input);

  bool done() const { return at_ == At::end; }
  /// Why this is no body: 400 for a broken frame, 413 above `bytes_max`.
  const std::optional<HeadError>& error() const { return error_; }

 private:
  enum class At : std::uint8_t { length, chunk_size, chunk_bytes, chunk_end, trailer, end };

  std::string_view take_bytes(std::string_view& input);
  /// A line without its CRLF; none: it has not ended, or is broken.
  std::optional<std::string_view> take_line(std::string_view& input);
  void read_chunk_size(std::string_view line);
  void read_trailer(std::string_view line);
  void refuse(int status, std::string message);

  const std::uint64_t bytes_max_;
  std::uint64_t bytes_ = 0;    // of the body so far, with the chunk in work
  std::uint64_t pending_ = 0;  // of the chunk, or of the whole body by its length
  int trailers_ = 0;
  At at_;
  std::optional<HeadError> error_;
};

}  // namespace imagined::api
