#include "api/wire/json.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <vector>

#include "base/utf8.h"

namespace imagined::api::wire {
namespace {

using nlohmann::json;

constexpr std::size_t kShownBytesMax = 60;

// Builds the value while the parser reads, and stops it at the first limit.
class LimitedBuilder final : public nlohmann::json_sax<json> {
 public:
  bool null() override { return add(nullptr); }
  bool boolean(bool value) override { return add(value); }
  bool number_integer(number_integer_t value) override { return add(value); }
  bool number_unsigned(number_unsigned_t value) override { return add(value); }
  bool number_float(number_float_t value, const string_t& text) override {
    if (text.size() > kJsonNumberBytesMax) {
      return refuse(fmt::format("a number has more than {} characters", kJsonNumberBytesMax));
    }
    return add(value);
  }
  bool string(string_t& value) override { return add(std::move(value)); }
  bool binary(binary_t&) override { return refuse("binary is not JSON"); }

  bool start_object(std::size_t) override { return open(json::object()); }
  bool key(string_t& name) override {
    json& object = *open_.back();
    if (object.contains(name))
      return refuse(fmt::format("the field {} is given twice", shown(name)));
    if (object.size() >= kJsonFieldsMax) {
      return refuse(fmt::format("an object has more than {} fields", kJsonFieldsMax));
    }
    slot_ = &object[name];
    if (open_.size() == 1) field_ = name;
    return true;
  }
  bool end_object() override { return close(); }
  bool start_array(std::size_t) override { return open(json::array()); }
  bool end_array() override { return close(); }

  bool parse_error(std::size_t position, const std::string&,
                   const nlohmann::detail::exception& error) override {
    if (error.id == 406) return refuse("a number is too large");  // for every double
    // The library tells its errors apart by their words alone.
    if (std::string_view(error.what()).find("surrogate") != std::string_view::npos) {
      return refuse("a \\u escape is half a surrogate pair, which is no character");
    }
    return refuse(fmt::format("the text breaks at byte {}", position));
  }

  json take() { return std::move(root_); }
  const std::string& error() const { return error_; }
  /// The member of the whole object in whose value the error lies; empty: in none.
  const std::string& field() const { return field_; }

 private:
  bool refuse(std::string message) {
    if (error_.empty()) error_ = std::move(message);
    return false;
  }

  // Puts a value where the parser is and returns its place.
  json& place(json value) {
    if (open_.empty()) return root_ = std::move(value);
    if (open_.back()->is_array()) {
      open_.back()->push_back(std::move(value));
      return open_.back()->back();
    }
    return *slot_ = std::move(value);
  }

  bool add(json value) {
    place(std::move(value));
    end_value();
    return true;
  }

  void end_value() {
    if (open_.size() == 1) field_.clear();
  }

  bool open(json container) {
    if (open_.size() >= kJsonDepthMax) {
      return refuse(fmt::format("the text is nested deeper than {} levels", kJsonDepthMax));
    }
    open_.push_back(&place(std::move(container)));
    return true;
  }

  bool close() {
    open_.pop_back();
    end_value();
    return true;
  }

  json root_;
  // A container in it moves only when its parent grows, and the parent grows after it was closed.
  std::vector<json*> open_;
  json* slot_ = nullptr;
  std::string field_;
  std::string error_;
};

// The encoding that bytes seem to have which are no UTF-8: what a shell or an editor has chosen.
// JSON begins with an ASCII character, so zero bytes give the wide ones away.
std::string_view encoding_of(std::string_view text) {
  using namespace std::string_view_literals;
  for (const auto mark : {"\xFF\xFE\0\0"sv, "\0\0\xFE\xFF"sv}) {
    if (text.starts_with(mark)) return "UTF-32";
  }
  const auto is_zero = [&](std::size_t at) { return at < text.size() && text[at] == '\0'; };
  if (is_zero(2) && (is_zero(0) || is_zero(1)) && is_zero(is_zero(0) ? 1 : 3)) return "UTF-32";
  for (const auto mark : {"\xFF\xFE"sv, "\xFE\xFF"sv}) {
    if (text.starts_with(mark)) return "UTF-16";
  }
  return is_zero(0) || is_zero(1) ? "UTF-16" : "";
}

// A letter with an accent is one byte in Windows-1252; the encodings of East Asia take two.
bool looks_like_windows_1252(std::string_view bad) {
  const auto is_high = [](char c) { return static_cast<unsigned char>(c) >= 0x80; };
  return bad.size() < 2 || !is_high(bad[1]);
}

// `invalid_argument` unless the text is UTF-8 without a byte order mark.
Result<void> check_encoding(std::string_view text) {
  const auto refuse = [](std::string message) {
    return fail(ErrorCode::invalid_argument, std::move(message));
  };
  if (text.starts_with("\xEF\xBB\xBF")) {
    return refuse("the body is not JSON: it begins with a byte order mark");
  }
  if (const auto encoding = encoding_of(text); !encoding.empty()) {
    return refuse(fmt::format("the body is not JSON in UTF-8: it looks like {}", encoding));
  }
  for (std::string_view rest = text; !rest.empty();) {
    if (take_code_point(rest)) continue;
    const auto byte = static_cast<unsigned char>(rest.front());
    const std::string where = fmt::format("byte {} is 0x{:02X}", text.size() - rest.size(), byte);
    if (!looks_like_windows_1252(rest)) {
      return refuse(fmt::format("the body is not JSON in UTF-8: {}", where));
    }
    // From 0xA0 on Windows-1252 numbers its characters as Unicode does.
    std::string letter;
    if (byte >= 0xA0) {
      append_utf8(byte, letter);
      letter = fmt::format(", there the letter \"{}\"", letter);
    }
    return refuse(fmt::format("the body is not JSON in UTF-8: {}; it looks like Windows-1252{}",
                              where, letter));
  }
  return {};
}

tl::unexpected<Error> wrong_type(const json& value, std::string_view name,
                                 std::string_view expected) {
  return fail(ErrorCode::unprocessable,
              fmt::format("{}: expected {}, got {}", name, expected, shown(value)),
              std::string(name));
}

// A name as it may stand in a message: cut when it is long.
std::string shown_name(std::string_view name) {
  return name.size() <= kShownBytesMax ? std::string(name)
                                       : valid_utf8(name.substr(0, kShownBytesMax)) + "...";
}

// The member, or null when there is none.
const json& member(const json& object, std::string_view name) {
  static const json kNull;
  const auto found = object.find(name);
  return found == object.end() ? kNull : *found;
}

}  // namespace

Result<json> parse_json_object(std::string_view text) {
  TRY(check_encoding(text));
  LimitedBuilder builder;
  if (!json::sax_parse(text, &builder)) {
    const std::string& field = builder.field();
    return fail(ErrorCode::invalid_argument,
                field.empty() ? fmt::format("the body is not JSON: {}", builder.error())
                              : fmt::format("{}: not JSON: {}", shown_name(field), builder.error()),
                field);
  }
  json value = builder.take();
  if (!value.is_object()) {
    return fail(ErrorCode::invalid_argument,
                fmt::format("the body is not a JSON object but {}", shown(value)));
  }
  return value;
}

Result<std::optional<std::string>> read_string(const json& object, std::string_view name,
                                               std::string_view expected) {
  const json& value = member(object, name);
  if (value.is_null()) return std::nullopt;
  if (!value.is_string()) return wrong_type(value, name, expected);
  return value.get<std::string>();
}

Result<std::optional<std::int64_t>> read_integer(const json& object, std::string_view name,
                                                 std::string_view expected) {
  const json& value = member(object, name);
  constexpr double kBeyond = 9223372036854775808.0;  // 2^63
  if (value.is_null()) return std::nullopt;
  const bool beyond =
      (value.is_number_unsigned() &&
       value.get<std::uint64_t>() > std::uint64_t{std::numeric_limits<std::int64_t>::max()}) ||
      (value.is_number_float() && std::abs(value.get<double>()) >= kBeyond);
  if (beyond) {
    return fail(ErrorCode::invalid_argument,
                fmt::format("{}: expected {}, got {}", name, expected, shown(value)),
                std::string(name));
  }
  if (value.is_number_float()) {
    const double number = value.get<double>();
    if (number != std::floor(number)) return wrong_type(value, name, expected);
    return static_cast<std::int64_t>(number);
  }
  if (!value.is_number_integer()) return wrong_type(value, name, expected);
  return value.get<std::int64_t>();
}

std::string shown(const json& value) {
  std::string text = value.dump(-1, ' ', true, json::error_handler_t::replace);
  if (text.size() > kShownBytesMax) text = text.substr(0, kShownBytesMax) + "...";
  return text;
}

}  // namespace imagined::api::wire
