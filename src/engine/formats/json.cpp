#include "engine/formats/json.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "base/json.h"

namespace imagined::engine {
using nlohmann::json;

Result<json> parse_json(std::string_view text, std::string_view file) {
  auto parsed = imagined::parse_json(text, {.depth_max = kMaxJsonDepth});
  if (!parsed)
    return fail(ErrorCode::data_loss,
                fmt::format("{}: not valid JSON: {}", file, parsed.error().what));
  return std::move(*parsed);
}

Result<ConfigReader> ConfigReader::parse(std::string_view text, std::string_view file) {
  auto root = std::make_shared<const json>(TRY(parse_json(text, file)));
  ConfigReader reader(*root, file);
  reader.owned_ = std::move(root);
  return reader;
}

ConfigReader::ConfigReader(const json& object, std::string_view file)
    : object_(&object), file_(file) {
  if (!object.is_object())
    error_ = Error{ErrorCode::invalid_argument, fmt::format("{}: not a JSON object", file), {}, {}};
}

const json* ConfigReader::value(const char* key) const {
  if (!object_->is_object()) return nullptr;
  const auto found = object_->find(key);
  return found == object_->end() || found->is_null() ? nullptr : &*found;
}

bool ConfigReader::has(const char* key) const { return value(key) != nullptr; }

ConfigReader ConfigReader::inner(const char* key) const {
  return ConfigReader(object_->at(key), fmt::format("{}: {}", file_, key));
}

std::int64_t ConfigReader::integer(const char* key, Limits limits) {
  if (!has(key)) refuse(key, "missing");
  return integer_or(key, limits.min, limits);
}

namespace {
/// A whole number that fits, or nothing.
std::optional<std::int64_t> whole(const json& value, ConfigReader::Limits limits) {
  if (value.is_number_unsigned() && value.get<std::uint64_t>() > std::uint64_t{INT64_MAX})
    return std::nullopt;
  if (!value.is_number_integer()) return std::nullopt;
  const auto number = value.get<std::int64_t>();
  if (number < limits.min || number > limits.max) return std::nullopt;
  return number;
}
}  // namespace

bool ConfigReader::names_part(const char* key) const {
  const json* found = value(key);
  return found != nullptr && found->is_array() && !found->empty() && found->front().is_string();
}

std::int64_t ConfigReader::integer_or(const char* key, std::int64_t fallback, Limits limits) {
  const json* found = value(key);
  if (found == nullptr) return fallback;
  const std::optional<std::int64_t> number = whole(*found, limits);
  if (number) return *number;
  refuse(key, fmt::format("expected a whole number from {} to {}, found {}", limits.min, limits.max,
                          shown(*found)));
  return fallback;
}

double ConfigReader::positive_or(const char* key, double fallback) {
  const json* found = value(key);
  if (found == nullptr) return fallback;
  if (found->is_number()) {
    const auto number = found->get<double>();
    if (std::isfinite(number) && number > 0) return number;
  }
  refuse(key, fmt::format("expected a number above 0, found {}", shown(*found)));
  return fallback;
}

double ConfigReader::number_or(const char* key, double fallback) {
  const json* found = value(key);
  if (found == nullptr) return fallback;
  if (found->is_number() && std::isfinite(found->get<double>())) return found->get<double>();
  refuse(key, fmt::format("expected a number, found {}", shown(*found)));
  return fallback;
}

bool ConfigReader::boolean_or(const char* key, bool fallback) {
  const json* found = value(key);
  if (found == nullptr) return fallback;
  if (found->is_boolean()) return found->get<bool>();
  refuse(key, fmt::format("expected true or false, found {}", shown(*found)));
  return fallback;
}

std::string ConfigReader::string_or(const char* key, std::string_view fallback) {
  const json* found = value(key);
  if (found == nullptr) return std::string(fallback);
  if (found->is_string()) return found->get<std::string>();
  refuse(key, fmt::format("expected a string, found {}", shown(*found)));
  return std::string(fallback);
}

std::vector<std::int64_t> ConfigReader::integers_or(const char* key,
                                                    std::vector<std::int64_t> fallback,
                                                    std::size_t max_count, Limits limits) {
  const json* found = value(key);
  if (found == nullptr) return fallback;
  std::vector<std::int64_t> numbers;
  if (found->is_array() && !found->empty() && found->size() <= max_count) {
    for (const json& element : *found)
      if (const std::optional<std::int64_t> number = whole(element, limits))
        numbers.push_back(*number);
    if (numbers.size() == found->size()) return numbers;
  }
  refuse(key, fmt::format("expected a list of 1 to {} whole numbers from {} to {}, found {}",
                          max_count, limits.min, limits.max, shown(*found)));
  return fallback;
}

std::vector<double> ConfigReader::numbers_or(const char* key, std::vector<double> fallback,
                                             std::size_t max_count) {
  const json* found = value(key);
  if (found == nullptr) return fallback;
  const auto fits = [](const json& number) {
    return number.is_number() && std::isfinite(number.get<double>());
  };
  if (found->is_array() && found->size() <= max_count &&
      std::all_of(found->begin(), found->end(), fits))
    return found->get<std::vector<double>>();
  refuse(key,
         fmt::format("expected a list of at most {} numbers, found {}", max_count, shown(*found)));
  return fallback;
}

std::vector<bool> ConfigReader::booleans_or(const char* key, std::vector<bool> fallback,
                                            std::size_t max_count) {
  const json* found = value(key);
  if (found == nullptr) return fallback;
  if (found->is_array() && found->size() <= max_count &&
      std::all_of(found->begin(), found->end(), [](const json& e) { return e.is_boolean(); }))
    return found->get<std::vector<bool>>();
  refuse(key, fmt::format("expected a list of at most {} times true or false, found {}", max_count,
                          shown(*found)));
  return fallback;
}

std::vector<std::string> ConfigReader::strings_or_none(const char* key, std::size_t max_count,
                                                       std::size_t max_bytes) {
  const json* found = value(key);
  if (found == nullptr) return {};
  const auto fits = [&](const json& text) {
    return text.is_string() && !text.get_ref<const std::string&>().empty() &&
           text.get_ref<const std::string&>().size() <= max_bytes;
  };
  if (found->is_array() && found->size() <= max_count &&
      std::all_of(found->begin(), found->end(), fits))
    return found->get<std::vector<std::string>>();
  refuse(key, fmt::format("expected a list of at most {} texts of 1 to {} bytes, found {}",
                          max_count, max_bytes, shown(*found)));
  return {};
}

void ConfigReader::only(const char* key, const JsonText& expected) {
  const json* found = value(key);
  if (found == nullptr || *found == json::parse(expected.text())) return;
  refuse(key, fmt::format("{} is not supported, only {}", shown(*found), expected.text()),
         ErrorCode::unimplemented);
}

void ConfigReader::refuse(const char* key, std::string_view what, ErrorCode code) {
  if (!error_) error_ = Error{code, fmt::format("{}: \"{}\": {}", file_, key, what), {}, {}};
}

void ConfigReader::refuse(const Result<>& inner) {
  if (!error_ && !inner) error_ = inner.error();
}

Result<> ConfigReader::finish() const {
  if (error_) return tl::unexpected(*error_);
  return {};
}

}  // namespace imagined::engine
