// The steps of the two lists in server.cpp.
#pragma once

#include <optional>

#include "api/http/connection.h"
#include "api/http/exchange.h"

namespace imagined::api {

/// A reply ends the request; an error becomes one; nothing lets it pass.
using BeforeBody = Async<Result<std::optional<Response>>> (*)(const Context&, Exchange&);
using AfterAnswer = void (*)(const Context&, const Exchange&, Response&);

/// Gives the request its id and, until more is known, its client.
void begin(const Context& context, Exchange& exchange);

/// Sets `origin` and, behind a proxy, the client's `place` (429 when it has too many); 421 for a
/// whole URL that is another server's.
Async<Result<std::optional<Response>>> check_origin(const Context& context, Exchange& exchange);
/// OPTIONS on any path: 204 with what a browser asks before it sends a request.
Async<Result<std::optional<Response>>> answer_preflight(const Context& context, Exchange& exchange);
/// Sets `route` and `params`; 404 and 501 (unserved.h), 405 (with Allow).
Async<Result<std::optional<Response>>> find_route(const Context& context, Exchange& exchange);
/// Sets `caller` on routes that need a key or a session, and `session`; 401, and 403 for a request
/// that would change something and is perhaps not the console's own.
Async<Result<std::optional<Response>>> authenticate(const Context& context, Exchange& exchange);
/// A route that reads a body reads the content types of its rule, in UTF-8 and without a content
/// coding; 415. Other parameters of the type mean nothing here.
Async<Result<std::optional<Response>>> check_content_type(const Context& context,
                                                          Exchange& exchange);
/// Sets `sink` on routes that have one.
Async<Result<std::optional<Response>>> open_sink(const Context& context, Exchange& exchange);

void add_request_id(const Context& context, const Exchange& exchange, Response& response);
void add_cors(const Context& context, const Exchange& exchange, Response& response);
/// What the reply's client may ask for next, on routes that draw under a limit.
void add_limits(const Context& context, const Exchange& exchange, Response& response);
void add_duration(const Context& context, const Exchange& exchange, Response& response);
/// For the metrics.
void count_reply(const Context& context, const Exchange& exchange, Response& response);
/// Method, path without query, status, duration; never a prompt or a key.
void write_log_line(const Context& context, const Exchange& exchange, Response& response);

/// The error as a reply in the API's shape; its `detail` goes to the log under the same id.
Response error_reply(const Context& context, const Exchange& exchange, const Error& error);
/// How a handler's error is answered: so, or as no pictures where an operator wants that of what
/// moderation has refused.
Response failure_reply(const Context& context, const Exchange& exchange, const Error& error);
/// The reply to a message that is no proper request; closes.
Response refusal_reply(const Context& context, const Exchange& exchange, const HeadError& error);

}  // namespace imagined::api
