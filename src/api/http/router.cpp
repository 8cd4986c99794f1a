#include "api/http/router.h"

#include <optional>

#include "api/http/head.h"

namespace imagined::api {
namespace {

// The parameter of `path` under `pattern` ("" when the pattern has none); none when it differs.
std::optional<std::string> match_path(std::string_view pattern, std::string_view path) {
  const auto open = pattern.find('{');
  if (open == std::string_view::npos) {
    return pattern == path ? std::optional<std::string>("") : std::nullopt;
  }
  const auto suffix = pattern.substr(pattern.find('}') + 1);
  if (!path.starts_with(pattern.substr(0, open))) return std::nullopt;
  auto rest = path.substr(open);
  if (rest.size() <= suffix.size() || !rest.ends_with(suffix)) return std::nullopt;
  rest.remove_suffix(suffix.size());
  if (rest.find('/') != std::string_view::npos || rest == "." || rest == "..") return std::nullopt;
  return percent_decode(rest);
}

bool takes(const Route& route, std::string_view method) {
  return route.method == method || (route.method == "GET" && method == "HEAD");
}

}  // namespace

RouteMatch match_route(std::span<const Route> routes, std::string_view method,
                       std::string_view path) {
  RouteMatch match;
  for (const Route& route : routes) {
    auto param = match_path(route.pattern, path);
    if (!param) continue;
    if (takes(route, method)) return {&route, std::move(*param), {}};
    if (!match.allow.empty()) match.allow += ", ";
    match.allow += route.method == "GET" ? "GET, HEAD" : route.method;
  }
  return match;
}

}  // namespace imagined::api
