#include "base/json_text.h"

#include <nlohmann/json.hpp>

namespace imagined {
namespace {

std::string dumped(const nlohmann::json& value) {
  return value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace

JsonText::JsonText(double value) : text_(dumped(value)) {}
JsonText::JsonText(std::string_view value) : text_(dumped(value)) {}

JsonText JsonText::object(std::initializer_list<Member> members) {
  JsonText whole(Raw{"{}"});
  for (const auto& [name, value] : members) whole.add(name, value);
  return whole;
}

JsonText& JsonText::add(std::string_view name, const JsonText& value) {
  insert(JsonText(name).text_ + ":" + value.text_);
  return *this;
}

JsonText& JsonText::push(const JsonText& value) {
  insert(value.text_);
  return *this;
}

std::string JsonText::indented() const { return nlohmann::ordered_json::parse(text_).dump(2); }

void JsonText::insert(std::string_view text) {
  const char closing = text_.back();
  text_.pop_back();
  if (text_.size() > 1) text_ += ',';
  text_ += text;
  text_ += closing;
}

}  // namespace imagined
