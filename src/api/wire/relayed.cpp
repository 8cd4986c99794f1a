#include "api/wire/relayed.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "api/wire/json.h"
#include "base/utf8.h"

namespace imagined::api::wire {
namespace {

constexpr std::size_t kDepthMax = 256;
// More than any usage and what stands behind it, so that the last one is always there whole.
constexpr std::size_t kTailBytes = 8 * 1024;
constexpr std::int64_t kTokensMax = 1'000'000'000;
constexpr std::int64_t kCostUsdTicksMax = 10'000'000'000'000;  // 1000 dollars

/// Goes over a JSON text and tells of every string value, of the numbers and words at its top, and
/// of nothing else. What it takes is nested as JSON is; scalars are not looked into.
class Walker {
 public:
  /// A member of the whole object: its name without quotes, its value.
  std::function<void(std::string_view name, Span value)> on_member;
  std::function<void(const JsonString&)> on_string;

  explicit Walker(std::string_view text) : text_(text) {}

  /// False: this is no JSON object.
  bool walk() {
    skip_spaces();
    if (at_ >= text_.size() || text_[at_] != '{') return false;
    if (!walk_value({}, {}, 0)) return false;
    skip_spaces();
    return at_ == text_.size();
  }

 private:
  void skip_spaces() {
    while (at_ < text_.size() && is_space(text_[at_])) ++at_;
  }

  bool take(char c) {
    skip_spaces();
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }

  std::optional<Span> take_string() {
    skip_spaces();
    const std::size_t begin = at_;
    if (at_ >= text_.size() || text_[at_] != '"') return std::nullopt;
    ++at_;
    while (true) {
      at_ = text_.find_first_of("\"\\", at_);
      if (at_ == std::string_view::npos) break;
      if (text_[at_] == '"') return Span{begin, ++at_ - begin};
      at_ += 2;
    }
    at_ = text_.size();
    return std::nullopt;
  }

  /// `name`: of the member that this is the value of; `in`: what `JsonString::in` says.
  bool walk_value(Span name, std::string_view in, std::size_t depth) {
    skip_spaces();
    if (at_ >= text_.size() || depth > kDepthMax) return false;
    const char c = text_[at_];
    if (c == '{') return walk_object(name, in, depth);
    if (c == '[') return walk_array(name, in, depth);
    if (c == '"') {
      const auto value = take_string();
      if (value && on_string) on_string({.value = *value, .name = name, .in = in});
      return value.has_value();
    }
    const std::size_t begin = at_;
    while (at_ < text_.size() && !is_space(text_[at_]) && text_[at_] != ',' && text_[at_] != '}' &&
           text_[at_] != ']')
      ++at_;
    return at_ > begin;
  }

  bool walk_object(Span name, std::string_view in, std::size_t depth) {
    ++at_;
    if (take('}')) return true;
    const std::string_view inner = inside(name, in);
    do {
      const auto member = take_string();
      if (!member || !take(':')) return false;
      skip_spaces();
      const std::size_t begin = at_;
      if (!walk_value(*member, inner, depth + 1)) return false;
      if (depth == 0 && on_member) on_member(bare(*member), {begin, at_ - begin});
    } while (take(','));
    return take('}');
  }

  bool walk_array(Span name, std::string_view in, std::size_t depth) {
    ++at_;
    if (take(']')) return true;
    const std::string_view inner = inside(name, in);
    do {
      if (!walk_value({}, inner, depth + 1)) return false;
    } while (take(','));
    return take(']');
  }

  std::string_view bare(Span quoted) const {
    return text_.substr(quoted.begin + 1, quoted.size - 2);
  }
  std::string_view inside(Span name, std::string_view in) const {
    return name.size == 0 ? in : bare(name);
  }

  const std::string_view text_;
  std::size_t at_ = 0;
};

std::uint32_t hex_of(std::string_view digits) {
  std::uint32_t unit = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), unit, 16);
  return unit;
}

/// The number of a member, wherever it stands in the text; none: there is none of that name.
std::optional<std::int64_t> number_of(std::string_view text, std::string_view name) {
  const auto at = text.find(fmt::format("\"{}\"", name));
  if (at == std::string_view::npos) return std::nullopt;
  std::string_view rest = text.substr(at + name.size() + 2);
  while (!rest.empty() && (is_space(rest.front()) || rest.front() == ':')) rest.remove_prefix(1);
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), number);
  if (error != std::errc() || number < 0) return std::nullopt;
  return number;
}

/// The object that begins the text, as far as its braces tell; empty: it is cut off.
std::string_view object_at(std::string_view text) {
  int depth = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '{') ++depth;
    if (text[i] == '}' && --depth == 0) return text.substr(0, i + 1);
  }
  return {};
}

}  // namespace

Result<RelayedHead> read_relayed(std::string_view body) {
  RelayedHead head;
  bool wrong_model = false;
  Walker walker(body);
  walker.on_member = [&](std::string_view name, Span value) {
    const std::string_view text = value.of(body);
    if (name == "model" && text.starts_with('"')) {
      head.model = unquoted(text);
      head.model_value = value;
    } else if (name == "model" && text != "null") {
      wrong_model = true;
    } else if (name == "stream") {
      head.stream = text == "true";
    } else if (name == "stream_options") {
      head.has_stream_options = text != "null";
    }
  };
  if (!walker.walk())
    return fail(ErrorCode::invalid_argument, "the body is not a JSON object, or it is cut off");
  if (wrong_model)
    return fail(ErrorCode::unprocessable, "model: expected the name of a model", "model");
  head.first_member = body.find('{') + 1;
  return head;
}

std::vector<JsonString> strings_of(std::string_view body) {
  std::vector<JsonString> strings;
  Walker walker(body);
  walker.on_string = [&](const JsonString& each) { strings.push_back(each); };
  walker.walk();
  return strings;
}

std::string unquoted(std::string_view quoted) {
  std::string text;
  quoted.remove_prefix(1);
  quoted.remove_suffix(1);
  for (std::size_t i = 0; i < quoted.size(); ++i) {
    if (quoted[i] != '\\' || i + 1 == quoted.size()) {
      text += quoted[i];
      continue;
    }
    const char c = quoted[++i];
    constexpr std::string_view kLetters = "bfnrt";
    constexpr std::string_view kMeant = "\b\f\n\r\t";
    if (const auto letter = kLetters.find(c); letter != std::string_view::npos) {
      text += kMeant[letter];
    } else if (c == 'u' && i + 4 < quoted.size()) {
      std::uint32_t unit = hex_of(quoted.substr(i + 1, 4));
      i += 4;
      const bool is_high = unit >= 0xD800 && unit < 0xDC00;
      if (is_high && quoted.substr(i + 1, 2) == "\\u" && i + 6 < quoted.size()) {
        const std::uint32_t low = hex_of(quoted.substr(i + 3, 4));
        unit = 0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00);
        i += 6;
      }
      const bool is_half = (unit >= 0xD800 && unit < 0xE000) || unit > 0x10FFFF;
      append_utf8(is_half ? 0xFFFD : unit, text);
    } else {
      text += c;
    }
  }
  return text;
}

std::string replaced(std::string_view body, const std::vector<Replacement>& replacements) {
  std::size_t size = body.size();
  for (const Replacement& each : replacements) size += each.text.size();
  std::string text;
  text.reserve(size);
  std::size_t at = 0;
  for (const Replacement& each : replacements) {
    text += body.substr(at, each.place.begin - at);
    text += each.text;
    at = each.place.begin + each.place.size;
  }
  text += body.substr(at);
  return text;
}

void UsageReader::feed(std::string_view bytes) {
  if (bytes.size() > kTailBytes) bytes.remove_prefix(bytes.size() - kTailBytes);
  tail_ += bytes;
  if (tail_.size() > 2 * kTailBytes) tail_.erase(0, tail_.size() - kTailBytes);
}

std::optional<service::TokenUsage> UsageReader::usage() const {
  constexpr std::string_view kName = "\"usage\"";
  const std::string_view tail = tail_;
  for (auto at = tail.rfind(kName); at != std::string_view::npos;
       at = at == 0 ? std::string_view::npos : tail.rfind(kName, at - 1)) {
    std::string_view rest = tail.substr(at + kName.size());
    while (!rest.empty() && (is_space(rest.front()) || rest.front() == ':')) rest.remove_prefix(1);
    if (!rest.starts_with('{')) continue;  // null, in all chunks but the last
    const std::string_view object = object_at(rest);
    if (object.empty()) continue;
    const auto either = [&](std::string_view chat, std::string_view responses) {
      const auto number = number_of(object, chat);
      return std::min((number ? number : number_of(object, responses)).value_or(0), kTokensMax);
    };
    service::TokenUsage usage{.input = either("prompt_tokens", "input_tokens"),
                              .output = either("completion_tokens", "output_tokens")};
    if (const auto cost = number_of(object, "cost_in_usd_ticks"))
      usage.cost_usd_ticks = std::min(*cost, kCostUsdTicksMax);
    return usage;
  }
  return std::nullopt;
}

}  // namespace imagined::api::wire
