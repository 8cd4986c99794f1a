#include "api/http/asking.h"

#include <optional>

namespace imagined::api {

Result<service::Asking> read_asking(const Headers& headers) {
  constexpr std::string_view kKey = "idempotency-key";
  constexpr std::string_view kCache = "x-cache";
  HowAsked how{.idempotency_key = headers.find(kKey),
               .has_idempotency_key = headers.has(kKey),
               .has_more_of_them = headers.count(kKey) > 1,
               .retries = headers.find("x-stainless-retry-count"),
               .prefer = headers.find("prefer")};
  if (headers.has(kCache)) how.cache = headers.find(kCache);
  return read_asking(how);
}

}  // namespace imagined::api
