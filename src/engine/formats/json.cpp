#include "engine/formats/json.h"

#include <fmt/core.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <unordered_set>

#include "engine/formats/file_map.h"
#include "engine/formats/in_quotes.h"

namespace imagined::engine {
namespace {

using nlohmann::json;

/// Builds the value while it is read, and stops at the first thing that is not allowed.
class StrictReader {
 public:
  json root;
  std::string problem;

  bool start_object(std::size_t) { return open(json::object()); }
  bool start_array(std::size_t) { return open(json::array()); }
  bool end_object() { return close(); }
  bool end_array() { return close(); }
  bool key(std::string& text) {
    if (open_.back()->contains(text)) return stop(fmt::format("key {} twice", in_quotes(text)));
    key_ = text;
    return true;
  }
  bool string(std::string& text) { return add(std::move(text)); }
  bool number_unsigned(std::uint64_t number) { return add(number); }
  bool number_integer(std::int64_t number) { return add(number); }
  bool number_float(double number, const std::string&) { return add(number); }
  bool boolean(bool flag) { return add(flag); }
  bool null() { return add(nullptr); }
  bool binary(json::binary_t&) { return stop("binary value"); }
  bool parse_error(std::size_t position, const std::string&, const nlohmann::detail::exception&) {
    return stop(fmt::format("not valid JSON (byte {})", position));
  }

 private:
  bool open(json empty) {
    if (open_.size() >= kMaxJsonDepth)
      return stop(fmt::format("nested deeper than {} levels", kMaxJsonDepth));
    open_.push_back(place(std::move(empty)));
    return true;
  }
  bool close() {
    open_.pop_back();
    return true;
  }
  bool add(json value) {
    place(std::move(value));
    return true;
  }
  json* place(json value) {
    if (open_.empty()) return &(root = std::move(value));
    json& parent = *open_.back();
    if (parent.is_object()) return &(parent[key_] = std::move(value));
    parent.push_back(std::move(value));
    return &parent.back();
  }
  bool stop(std::string what) {
    problem = std::move(what);
    return false;
  }

  std::vector<json*> open_;  // stays valid: only the innermost container grows
  std::string key_;
};

}  // namespace

Result<json> parse_json(std::string_view text, std::string_view file) {
  StrictReader reader;
  if (!json::sax_parse(text.begin(), text.end(), &reader))
    return fail(ErrorCode::data_loss, fmt::format("{}: {}", file, reader.problem));
  return std::move(reader.root);
}

Result<std::string> read_text(const std::filesystem::path& path, std::size_t max_bytes) {
  const FileMap map = TRY(FileMap::open(path));
  if (map.bytes().size() > max_bytes)
    return fail(ErrorCode::invalid_argument,
                fmt::format("{}: {} bytes, {} allowed", path.filename().string(),
                            map.bytes().size(), max_bytes),
                {}, path.string());
  std::string text(reinterpret_cast<const char*>(map.bytes().data()), map.bytes().size());
  TRY(map.intact());
  return text;
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

/// A value as error messages show it.
std::string shown(const json& value) {
  constexpr std::size_t kShownBytes = 60;
  std::string text = value.dump(-1, ' ', true, json::error_handler_t::replace);
  if (text.size() > kShownBytes) text = text.substr(0, kShownBytes) + "...";
  return text;
}
}  // namespace

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

void ConfigReader::only(const char* key, const json& expected) {
  const json* found = value(key);
  if (found == nullptr || *found == expected) return;
  refuse(key, fmt::format("{} is not supported, only {}", shown(*found), shown(expected)),
         ErrorCode::unimplemented);
}

void ConfigReader::refuse(const char* key, std::string_view what, ErrorCode code) {
  if (!error_) error_ = Error{code, fmt::format("{}: \"{}\": {}", file_, key, what), {}, {}};
}

Result<> ConfigReader::finish() const {
  if (error_) return tl::unexpected(*error_);
  return {};
}

}  // namespace imagined::engine
