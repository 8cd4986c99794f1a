#include "base/json.h"

#include <fmt/core.h>

#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

namespace imagined {
namespace {

using nlohmann::json;

// Builds the value while the parser reads, and stops it at the first limit.
class LimitedBuilder {
 public:
  explicit LimitedBuilder(const JsonLimits& limits) : limits_(limits) {}

  bool null() { return add(nullptr); }
  bool boolean(bool value) { return add(value); }
  bool number_integer(json::number_integer_t value) { return add(value); }
  bool number_unsigned(json::number_unsigned_t value) { return add(value); }
  bool number_float(double value, const std::string& text) {
    if (text.size() > limits_.number_bytes_max)
      return refuse_more(
          fmt::format("a number has more than {} characters", limits_.number_bytes_max));
    return add(value);
  }
  bool string(std::string& value) { return add(std::move(value)); }
  bool binary(json::binary_t&) { return refuse("binary is not JSON"); }

  bool start_object(std::size_t) { return open(json::object()); }
  bool key(std::string& name) {
    json& object = *open_.back();
    if (object.size() >= limits_.fields_max && !object.contains(name))
      return refuse_more(fmt::format("an object has more than {} fields", limits_.fields_max));
    const auto [place, is_new] = object.emplace(name, nullptr);
    if (!is_new) return refuse(fmt::format("the field {} is given twice", shown(name)));
    slot_ = &*place;
    if (open_.size() == 1) fault_.field = name;
    return true;
  }
  bool end_object() { return close(); }
  bool start_array(std::size_t) { return open(json::array()); }
  bool end_array() { return close(); }

  bool parse_error(std::size_t position, const std::string&,
                   const nlohmann::detail::exception& error) {
    constexpr int kBeyondEveryDouble = 406;
    if (error.id == kBeyondEveryDouble) return refuse("a number is too large");
    // The library tells its errors apart by their words alone.
    if (std::string_view(error.what()).find("surrogate") != std::string_view::npos)
      return refuse("a \\u escape is half a surrogate pair, which is no character");
    return refuse(fmt::format("the text breaks at byte {}", position));
  }

  json take() { return std::move(root_); }
  JsonFault fault() { return std::move(fault_); }

 private:
  bool refuse(std::string what) {
    if (fault_.what.empty()) fault_.what = std::move(what);
    return false;
  }
  bool refuse_more(std::string what) {
    fault_.is_limit = fault_.what.empty();
    return refuse(std::move(what));
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
    if (open_.size() == 1) fault_.field.clear();
  }

  bool open(json container) {
    if (open_.size() >= limits_.depth_max)
      return refuse_more(fmt::format(
          "the text is nested too deeply (at most {} levels are allowed)", limits_.depth_max));
    open_.push_back(&place(std::move(container)));
    return true;
  }

  bool close() {
    open_.pop_back();
    end_value();
    return true;
  }

  const JsonLimits& limits_;
  json root_;
  // A container in it moves only when its parent grows, and the parent grows after it was closed.
  std::vector<json*> open_;
  json* slot_ = nullptr;
  JsonFault fault_;
};

}  // namespace

tl::expected<json, JsonFault> parse_json(std::string_view text, const JsonLimits& limits) {
  LimitedBuilder builder(limits);
  if (!json::sax_parse(text.begin(), text.end(), &builder)) return tl::unexpected(builder.fault());
  return builder.take();
}

std::string shown(const json& value) {
  constexpr std::size_t kShownBytes = 60;
  std::string text = value.dump(-1, ' ', true, json::error_handler_t::replace);
  if (text.size() > kShownBytes) text = text.substr(0, kShownBytes) + "...";
  return text;
}

}  // namespace imagined
