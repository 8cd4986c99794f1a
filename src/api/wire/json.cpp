#include "api/wire/json.h"

#include <fmt/core.h>

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "base/json.h"
#include "base/utf8.h"

namespace imagined::api::wire {
namespace {

using nlohmann::json;

constexpr std::size_t kShownNameBytes = 60;

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
  return name.size() <= kShownNameBytes ? std::string(name)
                                        : valid_utf8(name.substr(0, kShownNameBytes)) + "...";
}

tl::unexpected<Error> not_taken(const JsonFault& fault) {
  const auto& [what, field, is_limit] = fault;
  const std::string name = field.empty() ? "" : shown_name(field) + ": ";
  return fail(ErrorCode::invalid_argument,
              is_limit        ? name + what
              : field.empty() ? "the body is not JSON: " + what
                              : name + "not JSON: " + what,
              field);
}

}  // namespace

const json& member(const json& object, std::string_view name) {
  static const json kNull;
  const auto found = object.find(name);
  return found == object.end() ? kNull : *found;
}

std::string string_in(const json& object, std::string_view name) {
  const json& value = member(object, name);
  return value.is_string() ? value.get<std::string>() : std::string();
}

bool is_one_of(std::span<const std::string_view> names, std::string_view name) {
  return std::ranges::find(names, name) != names.end();
}

Result<json> parse_json_object(std::string_view text, const JsonLimits& limits) {
  TRY(check_encoding(text));
  auto parsed = parse_json(text, limits);
  if (!parsed) return not_taken(parsed.error());
  json value = std::move(*parsed);
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
                fmt::format("{}: expected {}, got {}, which is beyond all bounds", name, expected,
                            shown(value)),
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

Result<bool> read_flag(const json& object, std::string_view name) {
  const json& value = member(object, name);
  if (value.is_null()) return false;
  if (!value.is_boolean()) return wrong_type(value, name, "true or false");
  return value.get<bool>();
}

Result<std::optional<double>> read_number(const json& object, std::string_view name,
                                          std::string_view expected) {
  const json& value = member(object, name);
  if (value.is_null()) return std::nullopt;
  if (!value.is_number()) return wrong_type(value, name, expected);
  return value.get<double>();
}

}  // namespace imagined::api::wire
