#include "api/http/door.h"

#include <fmt/format.h>

#include <chrono>
#include <string>
#include <utility>

#include "base/text.h"
#include "base/words.h"

namespace imagined::api {
namespace {

Result<void> let_in(Exchange& exchange, Result<service::Admitted> answer) {
  if (!answer) return tl::unexpected(std::move(answer.error()));
  exchange.limits = std::move(answer->figures);
  if (answer->refusal) return tl::unexpected(std::move(*answer->refusal));
  return {};
}

Async<Result<void>> wait_for_turn(const Context& context, Exchange& exchange,
                                  const std::string& model) {
  Signal turn;
  auto place = context.services.admission.queue(*exchange.caller, model, [&turn] { turn.raise(); });
  if (!place) co_return tl::unexpected(std::move(place.error()));
  while (true) {
    auto seen = co_await on_pool(context.pool, [&] { return place->look(); });
    if (!seen) co_return tl::unexpected(std::move(seen.error()));
    if (*seen) co_return let_in(exchange, std::move(**seen));
    co_await turn.wait(std::chrono::milliseconds(place->wait_ms()), exchange.client_gone);
    if (exchange.client_gone.stop_requested()) {
      co_return fail(ErrorCode::cancelled, "the client has gone away");
    }
  }
}

Result<service::CacheWish> read_cache_wish(const Headers& headers) {
  constexpr std::string_view kCache = "x-cache";
  if (!headers.has(kCache)) return service::CacheWish::as_the_key;
  const std::string_view wish = headers.find(kCache);
  if (equal_ignoring_case(wish, "use")) return service::CacheWish::use;
  if (equal_ignoring_case(wish, "bypass")) return service::CacheWish::bypass;
  return fail(ErrorCode::invalid_argument,
              fmt::format("x-cache is {:?}, expected use or bypass", wish), "x-cache");
}

/// Preferences stand with commas between and may have parameters (RFC 7240).
bool prefers_async(std::string_view preferences) {
  constexpr std::string_view kAsync = "respond-async";
  for (const std::string& each : split_words(preferences)) {
    const std::string_view word = trim(std::string_view(each).substr(0, each.find(';')));
    if (equal_ignoring_case(word, kAsync)) return true;
  }
  return false;
}

}  // namespace

Result<service::Asking> read_asking(const Headers& headers) {
  constexpr std::string_view kKey = "idempotency-key";
  const auto key = headers.find(kKey);
  if (headers.count(kKey) > 1 || (headers.has(kKey) && key.empty())) {
    return fail(ErrorCode::invalid_argument, "idempotency-key is given more than once, or is empty",
                "idempotency_key");
  }
  const auto cache = read_cache_wish(headers);
  if (!cache) return tl::unexpected(cache.error());
  const std::string_view retries = headers.find("x-stainless-retry-count");
  return service::Asking{.idempotency_key = key,
                         .again = retries.find_first_not_of('0') != std::string_view::npos,
                         .cache = *cache,
                         .deferred = prefers_async(headers.find("prefer"))};
}

Async<Result<void>> pass_the_door(const Context& context, Exchange& exchange,
                                  std::string_view model_name) {
  const service::Catalogue& catalogue = context.services.catalogue;
  const service::Model* found = catalogue.find(model_name);
  const std::string& model = (found == nullptr ? catalogue.default_model() : *found).id;
  service::Admission& admission = context.services.admission;
  if (admission.waits()) co_return co_await wait_for_turn(context, exchange, model);
  auto answer =
      co_await on_pool(context.pool, [&] { return admission.admit(*exchange.caller, model); });
  co_return let_in(exchange, std::move(answer));
}

}  // namespace imagined::api
