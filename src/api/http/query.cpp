#include "api/http/query.h"

#include <fmt/core.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <vector>

#include "api/http/head.h"

namespace imagined::api {
namespace {

constexpr std::size_t kShownBytes = 60;

tl::unexpected<Error> wrong(std::string_view name, std::string what) {
  const std::string shown(name.substr(0, kShownBytes));
  return fail(ErrorCode::invalid_argument, fmt::format("{}: {}", shown, what), shown);
}

}  // namespace

Result<Query> Query::parse(std::string_view text, std::initializer_list<std::string_view> names) {
  Query query;
  while (!text.empty()) {
    const std::string_view pair = text.substr(0, text.find('&'));
    text.remove_prefix(std::min(pair.size() + 1, text.size()));
    if (pair.empty()) continue;
    const auto equals = std::min(pair.find('='), pair.size());
    const std::string_view name = pair.substr(0, equals);
    if (std::ranges::find(names, name) == names.end())
      return wrong(name, fmt::format("there is no such parameter here, expected one of {}",
                                     fmt::join(names, ", ")));
    auto value = percent_decode(pair.substr(std::min(equals + 1, pair.size())));
    if (!value) return wrong(name, "its percent-encoding is broken");
    if (!query.values_.emplace(name, std::move(*value)).second) return wrong(name, "given twice");
  }
  return query;
}

std::string_view Query::operator[](std::string_view name) const {
  const auto found = values_.find(name);
  return found == values_.end() ? std::string_view() : found->second;
}

Result<std::int64_t> Query::number(std::string_view name, std::int64_t if_absent, std::int64_t min,
                                   std::int64_t max) const {
  const std::string_view text = (*this)[name];
  if (text.empty()) return if_absent;
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc() && end == text.data() + text.size() && value >= min && value <= max)
    return value;
  return wrong(name, fmt::format("expected a whole number from {} to {}, got \"{}\"", min, max,
                                 text.substr(0, kShownBytes)));
}

}  // namespace imagined::api
