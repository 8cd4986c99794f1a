// JSON from strangers: parsed whole, with limits, before anything looks at it.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/json.h"
#include "base/result.h"

namespace imagined::api::wire {

inline constexpr std::size_t kJsonDepthMax = 32;
inline constexpr std::size_t kJsonFieldsMax = 64;       // of one object
inline constexpr std::size_t kJsonNumberBytesMax = 64;  // of one number's text
inline constexpr JsonLimits kBodyLimits{.depth_max = kJsonDepthMax,
                                        .fields_max = kJsonFieldsMax,
                                        .number_bytes_max = kJsonNumberBytesMax};
/// Of bodies with the schemas of tools.
inline constexpr JsonLimits kTalkLimits{.depth_max = 128};

/// What may stand between the values of a JSON text.
constexpr bool is_space(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

/// One JSON object in UTF-8. `invalid_argument` for anything else: broken or cut text, bytes after
/// it, a byte order mark, another encoding (the error says which it looks like), half surrogates
/// (it names the field), a name given twice (which of two models would be billed?), and, in words
/// of its own, more depth, fields or digits than the limits.
Result<nlohmann::json> parse_json_object(std::string_view text,
                                         const JsonLimits& limits = kBodyLimits);

/// The member, or null where it is missing.
const nlohmann::json& member(const nlohmann::json& object, std::string_view name);
/// The member where it is a text, and else nothing: for what may be there in any form.
std::string string_in(const nlohmann::json& object, std::string_view name);
bool is_one_of(std::span<const std::string_view> names, std::string_view name);

/// Reads one member; null and absent are the same: nothing. `unprocessable` for another type, with
/// the name, what is expected (`expected` completes "expected ...") and the value.
Result<std::optional<std::string>> read_string(const nlohmann::json& object, std::string_view name,
                                               std::string_view expected);
/// The same for whole numbers, however they are written: 1.0 and 1e0 are 1, for many languages
/// write numbers so. 1.5, "2" and true are of another type; a whole number that is too large is
/// `invalid_argument`.
Result<std::optional<std::int64_t>> read_integer(const nlohmann::json& object,
                                                 std::string_view name, std::string_view expected);
/// The same for true and false; false where it is missing.
Result<bool> read_flag(const nlohmann::json& object, std::string_view name);
/// The same for any number.
Result<std::optional<double>> read_number(const nlohmann::json& object, std::string_view name,
                                          std::string_view expected);

}  // namespace imagined::api::wire
