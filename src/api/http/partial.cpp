#include "api/http/partial.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <variant>
#include <vector>

#include "base/check.h"
#include "base/text.h"

namespace imagined::api {
namespace {

struct Range {
  std::size_t first = 0;
  std::size_t size = 0;  // 0: behind the end
};

std::optional<std::size_t> number(std::string_view text) {
  std::size_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

/// Of "bytes=first-last", "bytes=first-" or "bytes=-count"; none for anything else.
std::optional<Range> parse_range(std::string_view text, std::size_t size) {
  constexpr std::string_view kUnit = "bytes=";
  if (!equal_ignoring_case(text.substr(0, kUnit.size()), kUnit)) return std::nullopt;
  text = trim(text.substr(kUnit.size()));
  const auto dash = text.find('-');
  if (dash == std::string_view::npos) return std::nullopt;
  const std::string_view first_text = text.substr(0, dash);
  const std::string_view last_text = text.substr(dash + 1);
  if (first_text.empty()) {
    const auto count = number(last_text);
    if (!count) return std::nullopt;
    const std::size_t taken = std::min(*count, size);
    return Range{size - taken, taken};
  }
  const auto first = number(first_text);
  const auto last = last_text.empty() ? std::optional(SIZE_MAX) : number(last_text);
  if (!first || !last || *last < *first) return std::nullopt;
  if (*first >= size) return Range{};
  return Range{*first, std::min(*last, size - 1) - *first + 1};
}

// Ours are strong, so a weak one of the same letters is the same file.
bool names(std::string_view list, std::string_view etag) {
  if (trim(list) == "*") return true;
  while (!list.empty()) {
    std::string_view item = trim(list.substr(0, list.find(',')));
    list.remove_prefix(std::min(list.find(','), list.size() - 1) + 1);
    if (item.starts_with("W/")) item.remove_prefix(2);
    if (item == etag) return true;
  }
  return false;
}

const std::vector<std::uint8_t>& bytes_of(const Response& whole) {
  const auto* bytes = std::get_if<SharedBytes>(&whole.body);
  CHECK(bytes != nullptr, "only files have parts");
  return **bytes;
}

}  // namespace

void answer_conditions(const Request& request, Response& whole) {
  const std::string etag(whole.headers.find("etag"));
  whole.headers.add("accept-ranges", "bytes");
  if (names(request.headers.find("if-none-match"), etag)) {
    whole.status = 304;
    whole.body = std::string();
    return;
  }
  if (request.method != "GET" || !request.headers.has("range")) return;
  const std::string_view if_range = request.headers.find("if-range");
  if (!if_range.empty() && trim(if_range) != etag) return;
  const std::vector<std::uint8_t>& bytes = bytes_of(whole);
  const std::size_t size = bytes.size();
  const auto range = parse_range(request.headers.find("range"), size);
  if (!range) return;
  if (range->size == 0) {
    whole.status = 416;
    whole.headers.add("content-range", fmt::format("bytes */{}", size));
    whole.body = std::string();
    return;
  }
  whole.status = 206;
  whole.headers.add("content-range", fmt::format("bytes {}-{}/{}", range->first,
                                                 range->first + range->size - 1, size));
  const auto first = bytes.begin() + static_cast<std::ptrdiff_t>(range->first);
  auto part = std::make_shared<const std::vector<std::uint8_t>>(
      first, first + static_cast<std::ptrdiff_t>(range->size));
  whole.body = std::move(part);
}

}  // namespace imagined::api
