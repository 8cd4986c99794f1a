// JSON that we write: built as text, from front to back, without the weight of a parser's header.
#pragma once

#include <fmt/core.h>

#include <concepts>
#include <cstddef>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

namespace imagined {

/// One value as compact JSON in UTF-8. Members and elements keep the order in which they are added.
/// Text that is no UTF-8 becomes U+FFFD, a number that JSON cannot hold null.
class JsonText {
 public:
  using Member = std::pair<std::string_view, JsonText>;

  JsonText(std::nullptr_t = nullptr) : text_("null") {}
  JsonText(std::same_as<bool> auto value) : text_(value ? "true" : "false") {}
  template <std::integral Number>
  requires(!std::same_as<Number, bool>) JsonText(Number value) : text_(fmt::format("{}", value)) {}
  JsonText(double value);
  JsonText(std::string_view value);
  JsonText(const std::string& value) : JsonText(std::string_view(value)) {}
  JsonText(const char* value) : JsonText(std::string_view(value)) {}

  static JsonText object(std::initializer_list<Member> members = {});
  static JsonText array() { return JsonText(Raw{"[]"}); }
  /// Of anything that a value can be made from.
  static JsonText array_of(const auto& items) {
    JsonText list = array();
    for (const auto& item : items) list.push(JsonText(item));
    return list;
  }

  /// To an object; the name must be new to it.
  JsonText& add(std::string_view name, const JsonText& value);
  /// To an array.
  JsonText& push(const JsonText& value);

  const std::string& text() const { return text_; }
  /// The same over several lines, for people.
  std::string indented() const;

 private:
  struct Raw {
    std::string text;
  };
  explicit JsonText(Raw raw) : text_(std::move(raw.text)) {}
  void insert(std::string_view text);  // before the closing bracket

  std::string text_;
};

}  // namespace imagined
