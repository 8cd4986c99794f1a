// One request on its way through the server, and the domain that it may call.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

#include "api/call/async.h"
#include "api/call/call.h"
#include "api/call/own_url.h"
#include "api/http/forwarded.h"
#include "api/http/limits.h"
#include "api/http/params.h"
#include "api/http/reply.h"
#include "api/listen/address_counts.h"
#include "api/wire/errors.h"
#include "api/wire/image_request.h"
#include "base/result.h"

namespace imagined::api {

/// Who may read the metrics.
enum class MetricsReader : std::uint8_t {
  nobody,
  local,     // whoever calls from this machine, and not through a proxy
  managers,  // people, with a management key
  all,
};

/// What is answered to a request for pictures that moderation has refused.
enum class ModeratedAnswer : std::uint8_t {
  error,   // 400
  empty,   // an empty list of pictures
  marked,  // as many entries as were asked for, without a picture and `respect_moderation: false`
};

/// What an operator may set about the answers.
struct AnswerOptions {
  std::string public_url;     // base of links; empty: what the client called us
  ProxyList trusted_proxies;  // whose Forwarded and X-Forwarded-* fields are believed
  WaitTimes wait;
  std::string cors_origin = "*";  // empty: no CORS headers
  ModeratedAnswer moderated = ModeratedAnswer::error;
  MetricsReader metrics = MetricsReader::local;
  wire::ErrorStyle errors;
  wire::Dialect dialect = wire::Dialect::all;
};

struct Route;
class Tally;

struct Exchange : Call {
  Request request;
  IpAddress peer;  // the other end of the connection, and ours
  IpAddress local_address;
  std::uint16_t local_port = 0;
  bool is_encrypted = false;
  Origin origin;                 // who asks, and by which URL, when proxies are believed
  AddressCounts::Place place;    // of the client behind a proxy
  const Route* route = nullptr;  // none: no route has this path and method
  int ordered = 0;               // pictures, of a request for them that could be read
  std::optional<service::Spending> spending;  // of who asks, as it was when the key was looked up
  std::string session;             // token of the session it came with; empty: it came with a key
  Params params;                   // what stands at {...} in the route's pattern
  std::unique_ptr<BodySink> sink;  // where the body goes, when it is not held in `request`
  ByteBudget::Hold held;           // for the body
  std::chrono::steady_clock::time_point started;
};

/// The URL before `/v1`, without a slash at its end: `public_url`, else what the client and the
/// proxies that are believed call us, else the address that the client has reached.
std::string base_url(const AnswerOptions& options, const Exchange& exchange);

OwnNames own_names(const AnswerOptions& options, const Exchange& exchange);

/// What a handler is given.
struct Context : CallContext {
  const AnswerOptions& options;
  const Limits& limits;
  ByteBudget& budget;      // of bodies and replies that are held in memory
  Pool& upload_pool;       // for what is sent to addresses of strangers
  AddressCounts& clients;  // that have requests in work through a proxy
  Tally& tally;            // of the loop's thread
};

/// Four steps: parse to a domain struct, call the domain, turn the result into the wire's form,
/// return. An error becomes a reply by the one table in wire/errors.cpp.
using Handler = Async<Result<Response>> (*)(const Context&, Exchange&);

}  // namespace imagined::api
