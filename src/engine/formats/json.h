// Reading the JSON of configuration files strictly: depth and size limited, no key twice, and every
// complaint names file and key.
#pragma once

#include <cstdint>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json_text.h"
#include "base/result.h"

namespace imagined::engine {

inline constexpr std::size_t kMaxConfigBytes = 4 << 20;  // published files have below 10 kB
inline constexpr std::size_t kMaxJsonDepth = 16;

/// Parses a whole text; `file` is what errors call it. `data_loss` when it is no JSON, nested
/// deeper than kMaxJsonDepth or has a key twice in one object.
Result<nlohmann::json> parse_json(std::string_view text, std::string_view file);

/// Takes values out of an object. The first mistake is remembered and every later call returns its
/// fallback, so that a parser is a list of reads with one question at the end.
class ConfigReader {
 public:
  /// Of a whole text; errors as parse_json's.
  static Result<ConfigReader> parse(std::string_view text, std::string_view file);
  /// object must outlive the reader; a value that is no object is the first mistake.
  ConfigReader(const nlohmann::json& object, std::string_view file);

  struct Limits {
    std::int64_t min = 1;
    std::int64_t max = 1 << 20;
  };
  bool has(const char* key) const;  // present and not null
  /// Whether there is a list that begins with texts: `[library, class]` of an index, where a part
  /// that a pipeline has not is `[null, null]`.
  bool names_part(const char* key) const;
  /// The object of a key that is there; what is wrong in it is to be handed to refuse().
  ConfigReader inner(const char* key) const;
  /// A whole number within the limits; a missing key is a mistake.
  std::int64_t integer(const char* key, Limits limits);
  /// The same, or `fallback` when the key is missing or null.
  std::int64_t integer_or(const char* key, std::int64_t fallback, Limits limits);
  /// A number above 0.
  double positive_or(const char* key, double fallback);
  double number_or(const char* key, double fallback);
  bool boolean_or(const char* key, bool fallback);
  std::string string_or(const char* key, std::string_view fallback);
  /// A list of 1 to `max_count` whole numbers, or `fallback`.
  std::vector<std::int64_t> integers_or(const char* key, std::vector<std::int64_t> fallback,
                                        std::size_t max_count, Limits limits);
  /// A list of at most `max_count` numbers, or `fallback`.
  std::vector<double> numbers_or(const char* key, std::vector<double> fallback,
                                 std::size_t max_count);
  /// A list of at most `max_count` truth values, or `fallback`.
  std::vector<bool> booleans_or(const char* key, std::vector<bool> fallback, std::size_t max_count);
  /// A list of at most `max_count` strings of 1 to `max_bytes` bytes, or no string.
  std::vector<std::string> strings_or_none(const char* key, std::size_t max_count,
                                           std::size_t max_bytes);
  /// A mistake unless the key is missing, null or equal to `expected`: options that change the
  /// arithmetic and that nobody implements here (`unimplemented`).
  void only(const char* key, const JsonText& expected);

  /// Notes a mistake found by the caller.
  void refuse(const char* key, std::string_view what, ErrorCode code = ErrorCode::invalid_argument);
  /// Notes what the reader of an object in this one found.
  void refuse(const Result<>& inner);
  /// The first mistake.
  Result<> finish() const;

 private:
  const nlohmann::json* value(const char* key) const;  // null when missing or null

  std::shared_ptr<const nlohmann::json> owned_;  // null: somebody else's
  const nlohmann::json* object_;
  std::string file_;
  std::optional<Error> error_;
};

}  // namespace imagined::engine
