#include "api/wire/relayed.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>
#include <utility>

#include "api/wire/json.h"
#include "api/wire/said_error.h"
#include "base/json.h"
#include "base/log.h"
#include "base/utf8.h"

namespace imagined::api::wire {
namespace {

using nlohmann::json;

constexpr std::size_t kLevelsMax = 256;
// More than any usage and what stands behind it, so that the last one is always there whole.
constexpr std::size_t kTailBytes = 8 * 1024;
// Of an event; one that is longer tells more than what was used.
constexpr std::size_t kHeldBytesMax = 64 * 1024;
constexpr std::int64_t kTokensMax = 1'000'000'000;
constexpr std::int64_t kCostUsdTicksMax = 10'000'000'000'000;  // 1000 dollars

/// Goes over a JSON text and tells of every string value, of the numbers and words at its top, and
/// of nothing else. What it takes is nested as JSON is; scalars are not looked into, nor is what is
/// nested too deeply.
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

  bool is_too_deep() const { return is_too_deep_; }

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
    if (at_ >= text_.size()) return false;
    const char c = text_[at_];
    if (depth >= kLevelsMax && (c == '{' || c == '[')) return skip_nested();
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

  /// By brackets alone, of either kind.
  bool skip_nested() {
    is_too_deep_ = true;
    std::size_t open = 0;
    do {
      at_ = std::min(text_.find_first_of("\"{}[]", at_), text_.size());
      if (at_ == text_.size()) return false;
      const char c = text_[at_];
      if (c == '"') {
        if (!take_string()) return false;
        continue;
      }
      open += c == '{' || c == '[' ? 1 : -1;
      ++at_;
    } while (open > 0);
    return true;
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
  bool is_too_deep_ = false;
};

std::uint32_t hex_of(std::string_view digits) {
  std::uint32_t unit = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), unit, 16);
  return unit;
}

/// A whole number of an upstream's usage, however it is written; -1: there is none, or none that
/// can be true, which is logged.
std::int64_t number_of(const nlohmann::json& usage, std::string_view name, std::int64_t max) {
  const nlohmann::json& value = member(usage, name);
  if (value.is_null()) return -1;
  const double number = value.is_number() ? std::round(value.get<double>()) : -1;
  if (number >= 0 && number <= static_cast<double>(max)) return static_cast<std::int64_t>(number);
  log(LogLevel::warn, "usage_not_counted", "name={} value={:?}", name, shown(value));
  return -1;
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

/// Of one line of data: a chunk without choices that says what was used.
bool is_usage_alone(std::string_view event) {
  constexpr std::string_view kData = "data:";
  if (!event.starts_with(kData) || event.find("\"usage\"") == std::string_view::npos) return false;
  const auto chunk = parse_json(event.substr(kData.size()), {});
  if (!chunk || !chunk->is_object()) return false;
  const nlohmann::json& choices = member(*chunk, "choices");
  return choices.is_array() && choices.empty() && member(*chunk, "usage").is_object();
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
      head.stream_options = value;
    }
  };
  if (!walker.walk())
    return fail(ErrorCode::invalid_argument, "the body is not a JSON object, or it is cut off");
  if (wrong_model)
    return fail(ErrorCode::unprocessable, "model: expected the name of a model", "model");
  head.first_member = body.find('{') + 1;
  head.is_too_deep = walker.is_too_deep();
  return head;
}

Result<void> check_depth(const RelayedHead& head, std::string_view what) {
  if (!head.is_too_deep) return {};
  return fail(
      ErrorCode::invalid_argument,
      fmt::format("{} is nested too deeply (at most {} levels are allowed)", what, kLevelsMax));
}

std::vector<JsonString> strings_of(std::string_view body) {
  std::vector<JsonString> strings;
  Walker walker(body);
  walker.on_string = [&](const JsonString& each) { strings.push_back(each); };
  walker.walk();
  return strings;
}

std::vector<std::pair<std::string_view, std::string_view>> members_of(std::string_view body) {
  std::vector<std::pair<std::string_view, std::string_view>> members;
  Walker walker(body);
  walker.on_member = [&](std::string_view name, Span value) {
    members.emplace_back(name, value.of(body));
  };
  walker.walk();
  return members;
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

Result<std::string> as_events(std::string_view completion, std::string_view stream_options) {
  auto chunk = parse_json(completion, kTalkLimits);
  const bool is_object = chunk && chunk->is_object();
  if (is_object)
    if (auto error = error_instead_of_answer(*chunk)) return tl::unexpected(std::move(*error));
  if (!is_object || !member(*chunk, "choices").is_array() || chunk->at("choices").empty())
    return fail(ErrorCode::unavailable,
                "the server that has the model answers with no stream, which was asked for");
  (*chunk)["object"] = "chat.completion.chunk";
  json usage = std::exchange((*chunk)["usage"], json());
  chunk->erase("usage");
  for (json& choice : chunk->at("choices")) {
    if (!choice.is_object() || !choice.contains("message")) continue;
    json& delta = choice["delta"] = std::exchange(choice["message"], json());
    choice.erase("message");
    if (!member(delta, "tool_calls").is_array()) continue;
    int index = 0;
    for (json& call : delta["tool_calls"])
      if (call.is_object()) call["index"] = index++;
  }
  std::string events = fmt::format("data: {}\n\n", chunk->dump());
  const auto options = parse_json(stream_options, {});
  if (options && options->is_object() && member(*options, "include_usage") == true) {
    (*chunk)["choices"] = json::array();
    (*chunk)["usage"] = std::move(usage);
    events += fmt::format("data: {}\n\n", chunk->dump());
  }
  return events + "data: [DONE]\n\n";
}

std::optional<std::string> with_usage(std::string_view stream_options) {
  auto options = parse_json(stream_options, {});
  if (!options || !(options->is_object() || options->is_null())) return std::nullopt;
  if (options->is_object() && member(*options, "include_usage") == true) return std::nullopt;
  (*options)["include_usage"] = true;
  return options->dump();
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

std::string WholeEvents::feed(std::string bytes) {
  const auto ends_with_event = [](std::string_view text) {
    return text.ends_with("\n\n") || text.ends_with("\r\n\r\n") || text.ends_with("\r\r");
  };
  if (!without_usage_ && ends_with_event(bytes)) {  // as most do
    bytes.insert(0, std::exchange(held_, {}));
    line_begin_ = 0;
    is_within_ = is_within_line_ = false;
    return bytes;
  }
  held_ += bytes;
  std::string passed;
  std::size_t begin = 0;
  for (auto end = held_.find('\n', line_begin_); end != std::string::npos;
       end = held_.find('\n', line_begin_)) {
    const std::string_view line = std::string_view(held_).substr(line_begin_, end - line_begin_);
    const bool is_blank = !is_within_line_ && (line.empty() || line == "\r");
    line_begin_ = end + 1;
    is_within_line_ = false;
    if (!is_blank) continue;
    const std::string_view event = std::string_view(held_).substr(begin, line_begin_ - begin);
    if (!without_usage_ || is_within_ || !is_usage_alone(event)) passed += event;
    begin = line_begin_;
    is_within_ = false;
  }
  if (is_within_ || held_.size() - begin > kHeldBytesMax) {
    const std::string_view more = std::string_view(held_).substr(begin);
    const std::string_view line = std::string_view(held_).substr(line_begin_);
    passed += more;
    is_within_ = true;
    is_within_line_ = is_within_line_ || !(line.empty() || line == "\r");
    begin = line_begin_ = held_.size();
  }
  held_.erase(0, begin);
  line_begin_ -= begin;
  return passed;
}

std::string WholeEvents::rest() {
  line_begin_ = 0;
  std::string rest = std::exchange(held_, {});
  if (without_usage_ && is_usage_alone(rest)) rest.clear();
  is_within_ = is_within_ || !rest.empty();
  return rest;
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
    const auto object = parse_json(object_at(rest), {});
    if (!object) continue;
    const auto either = [&](std::string_view chat, std::string_view responses) {
      const bool is_chat = !member(*object, chat).is_null();
      const std::int64_t number = number_of(*object, is_chat ? chat : responses, kTokensMax);
      return std::max<std::int64_t>(number, 0);
    };
    const service::TokenUsage usage{
        .input = either("prompt_tokens", "input_tokens"),
        .output = either("completion_tokens", "output_tokens"),
        .cost_usd_ticks = number_of(*object, "cost_in_usd_ticks", kCostUsdTicksMax)};
    return usage;
  }
  return std::nullopt;
}

}  // namespace imagined::api::wire
