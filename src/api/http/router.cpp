#include "api/http/router.h"

#include <algorithm>
#include <optional>

#include "api/http/head.h"

namespace imagined::api {
namespace {

// Cuts the segment with its leading slash off the front of a path; none at its end.
std::optional<std::string_view> take_segment(std::string_view& path) {
  if (!path.starts_with('/')) return std::nullopt;
  path.remove_prefix(1);
  const auto segment = path.substr(0, path.find('/'));
  path.remove_prefix(segment.size());
  return segment;
}

bool is_plain(std::string_view segment) {
  return !segment.empty() && segment != "." && segment != "..";
}

// The rest of a path, for `{name*}`.
std::optional<std::string> take_rest(std::string_view& path) {
  std::string rest;
  while (const auto segment = take_segment(path)) {
    const auto decoded = is_plain(*segment) ? percent_decode(*segment) : std::nullopt;
    // A slash that was escaped belongs to a segment; joined with the others it would be taken for
    // one between them.
    if (!decoded || decoded->find('/') != std::string::npos) return std::nullopt;
    if (!rest.empty()) rest += '/';
    rest += *decoded;
  }
  return rest;
}

// The parameters of `path` under `pattern`; none when it differs.
std::optional<Params> match_path(std::string_view pattern, std::string_view path) {
  Params params;
  while (const auto wanted = take_segment(pattern)) {
    if (!wanted->starts_with('{')) {
      if (take_segment(path) != wanted) return std::nullopt;
      continue;
    }
    auto name = wanted->substr(1, wanted->size() - 2);
    const bool takes_rest = name.ends_with('*');
    if (takes_rest) name.remove_suffix(1);
    std::optional<std::string> value;
    if (takes_rest) {
      value = take_rest(path);
    } else if (const auto segment = take_segment(path); segment && is_plain(*segment)) {
      value = percent_decode(*segment);
    }
    if (!value || value->empty()) return std::nullopt;
    params.add(name, std::move(*value));
  }
  return path.empty() ? std::optional(std::move(params)) : std::nullopt;
}

bool takes(const Route& route, std::string_view method) {
  return route.method == method || (route.method == "GET" && method == "HEAD");
}

}  // namespace

RouteMatch match_route(std::span<const Route> routes, std::string_view method,
                       std::string_view path) {
  RouteMatch match;
  // A path that a route has as it is stands for nobody's parameter, whatever the method.
  const bool is_fixed = std::ranges::count(routes, path, &Route::pattern) > 0;
  for (const Route& route : routes) {
    if (is_fixed && route.pattern != path) continue;
    auto params = match_path(route.pattern, path);
    if (!params) continue;
    if (takes(route, method)) return {&route, std::move(*params), {}};
    if (!match.allow.empty()) match.allow += ", ";
    match.allow += route.method == "GET" ? "GET, HEAD" : route.method;
  }
  return match;
}

}  // namespace imagined::api
