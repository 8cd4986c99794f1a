// Which handler answers which path; the table itself is routes.cpp.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "api/http/exchange.h"
#include "base/log.h"

namespace imagined::api {

/// Whether a route answers everybody or asks for an API key first.
enum class Access : std::uint8_t {
  open,
  key,
  key_and_spending,  // and what its owner has left, in one visit of the books
  known_key,         // even one that may not be used now: the reply says so
};

struct Route {
  std::string_view method;  // a GET route answers HEAD too
  /// Segments that are literal, or `{name}` for any one of them; `{name*}` at the end takes one or
  /// more.
  std::string_view pattern;
  Handler handler = nullptr;
  Access access = Access::key;
  BodyRule body = {};
  /// For bodies that are not to be held in memory; null from it: into memory after all.
  std::unique_ptr<BodySink> (*make_sink)(const Context&, Exchange&) = nullptr;
  LogLevel log_level = LogLevel::info;  // of the line that says how the request ended
};

struct RouteMatch {
  const Route* route = nullptr;  // none: no route of this path takes this method
  Params params;
  std::string allow;  // methods of this path, for the Allow field; empty: no such path
};

/// Segments are compared as they are on the wire: an escape, a dot segment or a doubled slash never
/// leads to a route. A parameter with a broken escape matches nothing.
RouteMatch match_route(std::span<const Route> routes, std::string_view method,
                       std::string_view path);

/// All routes of the program.
std::span<const Route> all_routes();

}  // namespace imagined::api
