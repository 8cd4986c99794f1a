#include "api/wire/json.h"

#include <fmt/core.h>

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>
#include <vector>

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
    return true;
  }
  bool end_object() override { return close(); }
  bool start_array(std::size_t) override { return open(json::array()); }
  bool end_array() override { return close(); }

  bool parse_error(std::size_t position, const std::string&,
                   const nlohmann::detail::exception& error) override {
    const bool number = error.id == 406;  // out_of_range: a number that no double can hold
    return refuse(number ? "a number is too large"
                         : fmt::format("the text breaks at byte {}", position));
  }

  json take() { return std::move(root_); }
  const std::string& error() const { return error_; }

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
    return true;
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
    return true;
  }

  json root_;
  // A container in it moves only when its parent grows, and the parent grows after it was closed.
  std::vector<json*> open_;
  json* slot_ = nullptr;
  std::string error_;
};

tl::unexpected<Error> wrong_type(const json& value, std::string_view name,
                                 std::string_view expected) {
  return fail(ErrorCode::unprocessable,
              fmt::format("{}: expected {}, got {}", name, expected, shown(value)),
              std::string(name));
}

// The member, or null when there is none.
const json& member(const json& object, std::string_view name) {
  static const json kNull;
  const auto found = object.find(name);
  return found == object.end() ? kNull : *found;
}

}  // namespace

Result<json> parse_json_object(std::string_view text) {
  if (text.starts_with("\xEF\xBB\xBF")) {
    return fail(ErrorCode::invalid_argument,
                "the body is not JSON: it begins with a byte order mark");
  }
  LimitedBuilder builder;
  if (!json::sax_parse(text, &builder)) {
    return fail(ErrorCode::invalid_argument,
                fmt::format("the body is not JSON: {}", builder.error()));
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
  if (!value.is_number_integer()) return wrong_type(value, name, expected);
  return value.get<std::int64_t>();
}

std::string shown(const json& value) {
  std::string text = value.dump(-1, ' ', true, json::error_handler_t::replace);
  if (text.size() > kShownBytesMax) text = text.substr(0, kShownBytesMax) + "...";
  return text;
}

}  // namespace imagined::api::wire
