// One request on its way through the server, and the domain that it may call.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>

#include "api/http/async.h"
#include "api/http/message.h"
#include "base/clock.h"
#include "base/result.h"
#include "service/accounts/key_service.h"
#include "service/catalogue/catalogue.h"
#include "service/links/signed_url.h"
#include "service/pictures/image_service.h"
#include "service/ports/job_events.h"

namespace imagined::api {

/// What handlers may use. Everything outlives the server.
struct Services {
  const service::Catalogue& catalogue;
  service::ImageService& images;
  service::KeyService& keys;
  service::JobEvents& events;
  const service::UrlSigner& signer;
  const Clock& clock;
  std::function<bool()> worker_is_ready;  // its models are loaded
  std::function<bool()> accepts_jobs;     // a worker is there, or will soon be there again
};

/// What an operator may set about the answers.
struct AnswerOptions {
  std::string public_url;  // base of links; empty: "http://" and what the client called us
  std::int64_t link_life_s = service::kLinkLifeDefaultSeconds;
  std::chrono::milliseconds job_timeout{300'000};
  std::string cors_origin = "*";  // empty: no CORS headers
};

struct Route;

struct Exchange {
  Request request;
  std::string id;                      // of the request: x-request-id
  std::string param;                   // what stands at {...} in the route's pattern, decoded
  const Route* route = nullptr;        // none: no route has this path and method
  std::optional<service::ApiKey> key;  // who asks, on routes that need a key
  std::stop_token client_gone;         // requested when the client has closed its connection
  std::chrono::steady_clock::time_point started;
  std::string job_id;  // for the log line
};

/// What a handler is given.
struct Context {
  const Services& services;
  const AnswerOptions& options;
  Pool& pool;
};

/// Four steps: parse to a domain struct, call the domain, turn the result into the wire's form,
/// return. An error becomes a reply by the one table in wire/errors.cpp.
using Handler = Async<Result<Response>> (*)(const Context&, Exchange&);

}  // namespace imagined::api
