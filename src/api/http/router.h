// Which handler answers which path; the table itself is routes.cpp.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "api/http/exchange.h"

namespace imagined::api {

/// Whether a route answers everybody or asks for an API key first.
enum class Access : std::uint8_t { open, key };
/// Whether a route reads a JSON body.
enum class Body : std::uint8_t { none, json };

struct Route {
  std::string_view method;   // a GET route answers HEAD too
  std::string_view pattern;  // literal segments, or one `{name}` that takes a whole segment
  Access access = Access::key;
  Body body = Body::none;
  Handler handler = nullptr;
};

struct RouteMatch {
  const Route* route = nullptr;  // none: no route of this path takes this method
  std::string param;             // decoded
  std::string allow;             // methods of this path, for the Allow field; empty: no such path
};

/// Segments are compared as they are on the wire: an escape, a dot segment or a doubled slash never
/// leads to a route. A parameter with a broken escape matches nothing.
RouteMatch match_route(std::span<const Route> routes, std::string_view method,
                       std::string_view path);

/// All routes of the program.
std::span<const Route> all_routes();

}  // namespace imagined::api
