#include "api/http/body_framing.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace imagined::api {
namespace {

// A chunk's size with its extensions, or a trailer field. Nobody here needs either.
constexpr std::size_t kLineBytesMax = 256;
constexpr std::size_t kSizeDigitsMax = 16;
constexpr int kTrailersMax = 16;

}  // namespace

BodyFraming::BodyFraming(const Head& head, std::uint64_t bytes_max) : bytes_max_(bytes_max) {
  if (head.chunked) {
    at_ = At::chunk_size;
    return;
  }
  at_ = head.content_length == 0 ? At::end : At::length;
  pending_ = head.content_length;
  if (pending_ > bytes_max_)
    refuse(413, fmt::format("the body is larger than {} bytes", bytes_max_));
}

std::string_view BodyFraming::next(std::string_view& input) {
  while (!error_ && at_ != At::end) {
    if (at_ == At::length || at_ == At::chunk_bytes) {
      const auto piece = take_bytes(input);
      if (pending_ == 0) at_ = at_ == At::length ? At::end : At::chunk_end;
      return piece;
    }
    const auto line = take_line(input);
    if (!line) break;
    if (at_ == At::chunk_size) {
      read_chunk_size(*line);
    } else if (at_ == At::trailer) {
      read_trailer(*line);
    } else if (line->empty()) {
      at_ = At::chunk_size;
    } else {
      refuse(400, "a chunk of the body is longer than it says");
    }
  }
  return {};
}

std::string_view BodyFraming::take_bytes(std::string_view& input) {
  const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(input.size(), pending_));
  const auto piece = input.substr(0, count);
  input.remove_prefix(count);
  pending_ -= count;
  return piece;
}

std::optional<std::string_view> BodyFraming::take_line(std::string_view& input) {
  const auto end = input.find('\n');
  const auto line = input.substr(0, end);
  // A carriage return may stand only before the line feed that ends the line, and no line feed
  // without one: another reader might take either for the end.
  const auto first_return = line.find('\r');
  const bool whole = end != std::string_view::npos;
  const bool well_ended = first_return + 1 == line.size() && !line.empty();
  if (whole ? !well_ended : first_return != std::string_view::npos && !well_ended) {
    refuse(400, "a line in the frame of the body is broken");
    return std::nullopt;
  }
  if (line.size() > kLineBytesMax) {
    refuse(400,
           fmt::format("a line in the frame of the body has more than {} bytes", kLineBytesMax));
    return std::nullopt;
  }
  if (!whole) return std::nullopt;
  input.remove_prefix(end + 1);
  return line.substr(0, line.size() - 1);
}

void BodyFraming::read_chunk_size(std::string_view line) {
  const auto digits = line.substr(0, line.find_first_not_of("0123456789abcdefABCDEF"));
  const auto extensions = line.substr(digits.size());
  const bool clean = extensions.empty() || extensions.front() == ';';
  if (digits.empty() || digits.size() > kSizeDigitsMax || !clean || !is_field_value(extensions)) {
    return refuse(400, "the size of a chunk is not a number in hexadecimal");
  }
  std::from_chars(digits.data(), digits.data() + digits.size(), pending_, 16);
  if (pending_ > bytes_max_ - bytes_) {
    return refuse(413, fmt::format("the body is larger than {} bytes", bytes_max_));
  }
  bytes_ += pending_;
  at_ = pending_ == 0 ? At::trailer : At::chunk_bytes;
}

// Checked and thrown away: what stands here came too late to be looked at.
void BodyFraming::read_trailer(std::string_view line) {
  if (line.empty()) {
    at_ = At::end;
  } else if (++trailers_ > kTrailersMax) {
    refuse(400, fmt::format("the body has more than {} trailer fields", kTrailersMax));
  } else if (!is_field(line)) {
    refuse(400, "a trailer of the body is not a header field");
  }
}

void BodyFraming::refuse(int status, std::string message) {
  error_ = HeadError{status, std::move(message)};
}

}  // namespace imagined::api
