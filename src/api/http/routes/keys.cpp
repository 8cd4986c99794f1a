#include "api/http/routes.h"
#include "api/wire/key_replies.h"

namespace imagined::api {
namespace {

using Body = std::string (*)(const service::ApiKey&, std::string_view, std::int64_t);

Async<Result<Response>> tell(const Context& context, const Exchange& exchange, Body body) {
  service::KeyService& keys = context.services.keys;
  const std::string& id = exchange.caller->owner.key_id;
  auto key = co_await on_pool(context.pool, [&] { return keys.find(id); });
  if (!key) co_return tl::unexpected(std::move(key.error()));
  co_return json_reply(body(*key, keys.redacted(*key), context.services.clock.unix_ms()));
}

}  // namespace

Async<Result<Response>> show_key(const Context& context, Exchange& exchange) {
  co_return co_await tell(context, exchange, wire::api_key_body);
}

Async<Result<Response>> show_me(const Context& context, Exchange& exchange) {
  co_return co_await tell(context, exchange, wire::me_body);
}

}  // namespace imagined::api
