// GET /console: pages for people, who then call what customers and managers may call.
#include <fmt/core.h>

#include <algorithm>

#include "api/http/console_files.h"
#include "api/http/partial.h"
#include "api/http/routes.h"

namespace imagined::api {
namespace {

// Our own files and nothing else: no script or style within a page, no other host, no frame.
constexpr std::string_view kPolicy =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
    "media-src 'self' blob:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

Result<Response> reply_with(const Exchange& exchange, std::string_view name) {
  const auto file = std::ranges::find(kConsoleFiles, name, &ConsoleFile::name);
  if (file == kConsoleFiles.end())
    return fail(ErrorCode::not_found, "the console has no such page");
  Response response{.body = std::make_shared<const std::vector<std::uint8_t>>(file->text.begin(),
                                                                              file->text.end())};
  response.headers.add("content-type", std::string(file->type));
  response.headers.add("content-security-policy", std::string(kPolicy));
  response.headers.add("x-content-type-options", "nosniff");
  response.headers.add("referrer-policy", "no-referrer");
  // Asked for again each time, and not sent again unless a new program has other pages.
  response.headers.add("cache-control", "no-cache");
  response.headers.add("etag", fmt::format("\"{}\"", file->digest));
  answer_conditions(exchange.request, response);
  return response;
}

}  // namespace

Async<Result<Response>> send_console(const Context&, Exchange& exchange) {
  co_return reply_with(exchange, "index.html");
}

Async<Result<Response>> send_console_file(const Context&, Exchange& exchange) {
  co_return reply_with(exchange, exchange.params["name"]);
}

}  // namespace imagined::api
