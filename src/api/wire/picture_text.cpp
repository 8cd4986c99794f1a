#include "api/wire/picture_text.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>

#include "api/wire/json.h"

namespace imagined::api::wire {
namespace {

constexpr std::string_view kDataUrl = "data:";
constexpr std::size_t kDataHeadBytesMax = 256;  // of "data:image/png;base64,"

constexpr std::int8_t kNoDigit = -1;

constexpr std::array<std::int8_t, 256> kDigits = [] {
  std::array<std::int8_t, 256> digits{};
  digits.fill(kNoDigit);
  constexpr std::string_view kAlphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (std::size_t i = 0; i < kAlphabet.size(); ++i)
    digits[static_cast<unsigned char>(kAlphabet[i])] = static_cast<std::int8_t>(i);
  digits['-'] = digits['+'];  // RFC 4648, 5
  digits['_'] = digits['/'];
  return digits;
}();

tl::unexpected<Error> no_picture(std::string reason) {
  return fail(ErrorCode::invalid_argument, "the image is " + std::move(reason), "image");
}

}  // namespace

bool Base64Reader::read(std::string_view text, std::string& out) {
  for (const char c : text) {
    if (is_space(c)) continue;
    if (c == '=') {
      ++padding_;
      if (digits_ < 2 || digits_ + padding_ > 4) return false;
      continue;
    }
    const std::int8_t digit = kDigits[static_cast<unsigned char>(c)];
    if (digit == kNoDigit || padding_ > 0) return false;
    bits_ = bits_ << 6 | static_cast<std::uint32_t>(digit);
    if (digits_ > 0) out += static_cast<char>(bits_ >> (6 - 2 * digits_));
    digits_ = (digits_ + 1) % 4;
  }
  return true;
}

bool Base64Reader::may_end() const {
  return digits_ != 1 && (padding_ == 0 || digits_ + padding_ == 4);
}

Result<void> PictureText::take(std::string_view text) {
  if (has_begun_) return decode(text);
  head_.append(text);
  const std::string_view start = std::string_view(head_).substr(0, kDataUrl.size());
  if (start.size() < kDataUrl.size() && kDataUrl.starts_with(start)) return {};  // not yet clear
  std::size_t begin = 0;
  if (start == kDataUrl) {
    const std::size_t comma = head_.find(',');
    if (std::min(comma, head_.size()) > kDataHeadBytesMax)
      return no_picture("a data URL without a comma");
    if (comma == std::string::npos) return {};
    // The type is not believed: the bytes say what they are.
    if (!std::string_view(head_).substr(0, comma).ends_with(";base64"))
      return no_picture("a data URL that is not in base64");
    begin = comma + 1;
  }
  has_begun_ = true;
  TRY(sink_.begin());
  const std::string first = std::move(head_);
  return decode(std::string_view(first).substr(begin));
}

Result<void> PictureText::decode(std::string_view text) {
  bytes_.clear();
  if (!base64_.read(text, bytes_)) return no_picture("neither a URL nor base64");
  return bytes_.empty() ? Result<void>() : sink_.upload(bytes_);
}

Result<std::string> PictureText::end() {
  if (!has_begun_) return no_picture("neither a URL nor base64");
  if (!base64_.may_end()) return no_picture("base64 that is cut off");
  return sink_.end();
}

}  // namespace imagined::api::wire
