#include "api/call/door.h"

#include <fmt/format.h>

#include <chrono>
#include <string>
#include <utility>

#include "base/text.h"
#include "base/words.h"

namespace imagined::api {
namespace {

Result<void> let_in(Call& call, Result<service::Admitted> answer) {
  if (!answer) return tl::unexpected(std::move(answer.error()));
  call.limits = std::move(answer->figures);
  call.over_limit = answer->refusal.has_value();
  if (answer->refusal) return tl::unexpected(std::move(*answer->refusal));
  return {};
}

Async<Result<void>> wait_for_turn(const CallContext& context, Call& call,
                                  const std::string& model) {
  Signal turn;
  auto place = context.services.admission.queue(*call.caller, model, [&turn] { turn.raise(); });
  if (!place) co_return tl::unexpected(std::move(place.error()));
  while (true) {
    auto seen = co_await on_pool(context.pool, [&] { return place->look(); });
    if (!seen) co_return tl::unexpected(std::move(seen.error()));
    if (*seen) co_return let_in(call, std::move(**seen));
    co_await turn.wait(std::chrono::milliseconds(place->wait_ms()), call.client_gone);
    if (call.client_gone.stop_requested()) {
      co_return fail(ErrorCode::cancelled, "the client has gone away");
    }
  }
}

Result<service::CacheWish> read_cache_wish(const std::optional<std::string_view>& wish) {
  if (!wish) return service::CacheWish::as_the_key;
  if (equal_ignoring_case(*wish, "use")) return service::CacheWish::use;
  if (equal_ignoring_case(*wish, "bypass")) return service::CacheWish::bypass;
  return fail(ErrorCode::invalid_argument,
              fmt::format("x-cache is {:?}, expected use or bypass", *wish), "x-cache");
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

Result<service::Asking> read_asking(const HowAsked& how) {
  if (how.has_more_of_them || (how.has_idempotency_key && how.idempotency_key.empty())) {
    return fail(ErrorCode::invalid_argument, "idempotency-key is given more than once, or is empty",
                "idempotency_key");
  }
  const auto cache = read_cache_wish(how.cache);
  if (!cache) return tl::unexpected(cache.error());
  return service::Asking{.idempotency_key = how.idempotency_key,
                         .again = how.retries.find_first_not_of('0') != std::string_view::npos,
                         .cache = *cache,
                         .deferred = prefers_async(how.prefer)};
}

Async<Result<void>> pass_the_door(const CallContext& context, Call& call,
                                  std::string_view model_name) {
  const service::Catalogue& catalogue = context.services.catalogue;
  const service::Model* found = catalogue.find(model_name);
  const service::Relay* relay = context.services.relay;
  const bool is_elsewhere =
      found == nullptr && relay != nullptr && relay->upstreams().has(model_name);
  const std::string model = is_elsewhere       ? std::string(model_name)
                            : found == nullptr ? catalogue.default_model().id
                                               : found->id;
  service::Admission& admission = context.services.admission;
  if (admission.waits()) co_return co_await wait_for_turn(context, call, model);
  if (!admission.blocks()) co_return let_in(call, admission.admit(*call.caller, model));
  auto answer =
      co_await on_pool(context.pool, [&] { return admission.admit(*call.caller, model); });
  co_return let_in(call, std::move(answer));
}

}  // namespace imagined::api
