#include "api/wire/multipart.h"

#include <fmt/core.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "base/check.h"
#include "base/utf8.h"

namespace imagined::api::wire {
namespace {

constexpr std::size_t kBoundaryBytesMax = 70;  // RFC 2046, 5.1.1
constexpr std::size_t kPaddingBytesMax = 64;   // between a boundary and the end of its line
constexpr std::string_view kLineEnd = "\r\n";
constexpr std::string_view kHeadEnd = "\r\n\r\n";

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool same_word(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return lower(x) == lower(y); });
}

bool is_blank(char c) { return c == ' ' || c == '\t'; }

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

tl::unexpected<Error> broken(std::string reason) {
  return fail(ErrorCode::invalid_argument, "the body is not multipart/form-data: " + reason);
}

/// `; name=token` or `; name="quoted"`, one after the other. Within quotes `\"` and `\\` stand for
/// the character; any other backslash for itself, as in the file names of Windows.
class Parameters {
 public:
  explicit Parameters(std::string_view text) : text_(text) {}

  struct Parameter {
    std::string_view name;
    std::string value;
  };

  /// None at the end; an error where the text is no list of parameters.
  Result<std::optional<Parameter>> next() {
    text_ = trimmed(text_);
    if (text_.empty()) return std::nullopt;
    if (text_.front() != ';') return broken("a field's parameters are not parted by \";\"");
    text_ = trimmed(text_.substr(1));
    if (text_.empty()) return std::nullopt;
    const std::size_t equals = text_.find('=');
    if (equals == std::string_view::npos) return broken("a field's parameter has no value");
    Parameter parameter{.name = trimmed(text_.substr(0, equals)), .value = {}};
    text_ = trimmed(text_.substr(equals + 1));
    if (!text_.starts_with('"')) {
      const std::size_t end = std::min(text_.find(';'), text_.size());
      parameter.value = trimmed(text_.substr(0, end));
      text_.remove_prefix(end);
      return parameter;
    }
    for (std::size_t i = 1; i < text_.size(); ++i) {
      if (text_[i] == '"') {
        text_.remove_prefix(i + 1);
        return parameter;
      }
      const bool escaped =
          text_[i] == '\\' && i + 1 < text_.size() && (text_[i + 1] == '"' || text_[i + 1] == '\\');
      parameter.value += text_[escaped ? ++i : i];
    }
    return broken("a quoted value does not end");
  }

 private:
  std::string_view text_;
};

Result<void> check_name(std::string_view name, std::size_t bytes_max) {
  if (name.empty()) return broken("a part has no name");
  if (name.size() > bytes_max)
    return broken(fmt::format("the name of a part has {} bytes, at most {} are allowed",
                              name.size(), bytes_max));
  const bool printable = std::none_of(name.begin(), name.end(), [](char c) {
    return static_cast<unsigned char>(c) < 0x20 || c == 0x7F;
  });
  if (!printable || !is_utf8(name)) return broken("the name of a part is not text");
  return {};
}

/// `form-data; name="image[]"; filename="a.png"`
Result<PartHead> read_disposition(std::string_view value, std::size_t name_bytes_max) {
  const std::size_t end = std::min(value.find(';'), value.size());
  if (!same_word(trimmed(value.substr(0, end)), "form-data"))
    return broken("a part's Content-Disposition is not form-data");
  PartHead head;
  std::optional<std::string> name;
  Parameters parameters(value.substr(end));
  while (auto parameter = TRY(parameters.next())) {
    if (same_word(parameter->name, "name")) {
      if (name) return broken("a part has two names");
      name = std::move(parameter->value);
    } else if (same_word(parameter->name, "filename")) {
      head.file_name = valid_utf8(parameter->value);
    }
  }
  TRY(check_name(name.value_or(""), name_bytes_max));
  head.name = std::move(*name);
  return head;
}

/// The fields of one part, each line without its CRLF.
Result<PartHead> read_part_head(std::string_view text, std::size_t name_bytes_max) {
  std::optional<PartHead> head;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(kLineEnd), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + kLineEnd.size(), text.size()));
    const std::size_t colon = line.find(':');
    const bool sound = colon != 0 && colon != std::string_view::npos && !is_blank(line.front()) &&
                       line.find_first_of(std::string_view("\r\n\0", 3)) == std::string_view::npos;
    if (!sound) return broken("a part has a broken line among its fields");
    const std::string_view name = line.substr(0, colon);
    const std::string_view value = trimmed(line.substr(colon + 1));
    if (same_word(name, "content-disposition")) {
      if (head) return broken("a part has two Content-Disposition fields");
      head = TRY(read_disposition(value, name_bytes_max));
    }
    const bool plain =
        same_word(value, "binary") || same_word(value, "8bit") || same_word(value, "7bit");
    if (same_word(name, "content-transfer-encoding") && !plain)
      return broken(fmt::format("a part is encoded as {}, expected plain bytes",
                                valid_utf8(value.substr(0, 40))));
  }
  if (!head) return broken("a part has no Content-Disposition");
  return std::move(*head);
}

}  // namespace

Result<std::string> multipart_boundary(std::string_view content_type) {
  const std::size_t end = std::min(content_type.find(';'), content_type.size());
  if (!same_word(trimmed(content_type.substr(0, end)), "multipart/form-data"))
    return fail(ErrorCode::unsupported_media_type, "the body is not multipart/form-data");
  std::optional<std::string> boundary;
  Parameters parameters(content_type.substr(end));
  while (auto parameter = TRY(parameters.next())) {
    if (!same_word(parameter->name, "boundary")) continue;
    if (boundary) return broken("its Content-Type names two boundaries");
    boundary = std::move(parameter->value);
  }
  if (!boundary) return broken("its Content-Type names no boundary");
  const bool printable =
      std::all_of(boundary->begin(), boundary->end(), [](char c) { return c >= 0x20 && c < 0x7F; });
  if (boundary->empty() || boundary->size() > kBoundaryBytesMax || boundary->back() == ' ' ||
      !printable)
    return broken(
        fmt::format("its boundary has {} bytes or others than it may, expected 1 to {} "
                    "printable characters",
                    boundary->size(), kBoundaryBytesMax));
  return std::move(*boundary);
}

MultipartReader::MultipartReader(std::string_view boundary, PartSink& sink, MultipartLimits limits)
    : sink_(sink), limits_(limits), delimiter_(fmt::format("\r\n--{}", boundary)) {
  CHECK(!boundary.empty(), "a multipart body without a boundary");
}

Result<void> MultipartReader::feed(std::string_view bytes) {
  body_bytes_ += bytes.size();
  if (body_bytes_ > limits_.body_bytes_max)
    return fail(
        ErrorCode::payload_too_large,
        fmt::format("the body has more than {} bytes, which is the most", limits_.body_bytes_max));
  held_.append(bytes);
  Step step = Step::go_on;
  while (step == Step::go_on) {
    switch (at_) {
      case At::start:
        step = TRY(read_start());
        break;
      case At::after_boundary:
        step = TRY(read_after_boundary());
        break;
      case At::head:
        step = TRY(read_head());
        break;
      case At::bytes:
        step = TRY(read_bytes());
        break;
      case At::end:
        taken_ = held_.size();
        step = Step::need_more;
        break;
    }
  }
  held_.erase(0, taken_);
  taken_ = 0;
  return {};
}

Result<void> MultipartReader::finish() const {
  if (at_ == At::end) return {};
  if (at_ == At::start && held_.empty()) return broken("it is empty");
  return broken("it ends before its last boundary");
}

// The first boundary may stand without the CRLF that belongs to it.
Result<MultipartReader::Step> MultipartReader::read_start() {
  const std::string_view text = rest();
  const std::string_view first = std::string_view(delimiter_).substr(kLineEnd.size());
  for (const std::string_view expected : {first, std::string_view(delimiter_)}) {
    const std::size_t count = std::min(expected.size(), text.size());
    if (text.substr(0, count) != expected.substr(0, count)) continue;
    if (count < expected.size()) return Step::need_more;
    taken_ += expected.size();
    at_ = At::after_boundary;
    return Step::go_on;
  }
  return broken("it does not begin with the boundary that its Content-Type names");
}

// Two dashes after the last one; after any other blanks at most, then the end of the line.
Result<MultipartReader::Step> MultipartReader::read_after_boundary() {
  const std::string_view text = rest();
  if (text.starts_with("--")) {
    at_ = At::end;
    return Step::go_on;
  }
  const std::size_t end = text.find(kLineEnd);
  const std::string_view padding = text.substr(0, end);
  const bool may_be_dashes = end == std::string_view::npos && text == "-";
  const bool may_be_line_end = end == std::string_view::npos && padding.ends_with('\r');
  const std::string_view blank = may_be_line_end ? padding.substr(0, padding.size() - 1) : padding;
  if (!may_be_dashes && (!trimmed(blank).empty() || blank.size() > kPaddingBytesMax))
    return broken("a boundary is followed by other text");
  if (end == std::string_view::npos) return Step::need_more;
  if (++parts_ > limits_.parts_max)
    return fail(ErrorCode::payload_too_large,
                fmt::format("the body has more than {} parts", limits_.parts_max));
  taken_ += end + kLineEnd.size();
  at_ = At::head;
  return Step::go_on;
}

Result<MultipartReader::Step> MultipartReader::read_head() {
  const std::string_view text = rest();
  const std::size_t end = text.find(kHeadEnd);
  // Until it has come, all but the last three bytes are known to stand before it.
  const std::size_t least_bytes = end != std::string_view::npos    ? end
                                  : text.size() >= kHeadEnd.size() ? text.size() - 3
                                                                   : 0;
  if (least_bytes > limits_.head_bytes_max)
    return broken(fmt::format("a part's fields have more than {} bytes", limits_.head_bytes_max));
  if (end == std::string_view::npos) return Step::need_more;
  const PartHead head = TRY(read_part_head(text.substr(0, end), limits_.name_bytes_max));
  TRY(sink_.begin_part(head));
  taken_ += end + kHeadEnd.size();
  at_ = At::bytes;
  return Step::go_on;
}

Result<MultipartReader::Step> MultipartReader::read_bytes() {
  const std::string_view text = rest();
  const std::size_t end = text.find(delimiter_);
  if (end != std::string_view::npos) {
    if (end > 0) TRY(sink_.part_bytes(text.substr(0, end)));
    TRY(sink_.end_part());
    taken_ += end + delimiter_.size();
    at_ = At::after_boundary;
    return Step::go_on;
  }
  // A boundary may have begun within the last bytes, at a CR.
  const std::size_t tail = std::min(text.size(), delimiter_.size() - 1);
  const std::size_t cr = text.find('\r', text.size() - tail);
  const std::size_t safe = std::min(cr, text.size());
  if (safe > 0) TRY(sink_.part_bytes(text.substr(0, safe)));
  taken_ += safe;
  return Step::need_more;
}

}  // namespace imagined::api::wire
