#include "api/http/exchange.h"

#include <fmt/format.h>

namespace imagined::api {
namespace {

std::string local_authority(const Exchange& exchange) {
  return authority_of_endpoint(exchange.local_address.to_string(), exchange.local_port);
}

}  // namespace

std::string base_url(const AnswerOptions& options, const Exchange& exchange) {
  if (!options.public_url.empty()) return options.public_url;
  const Origin& origin = exchange.origin;
  return fmt::format("{}://{}{}", origin.scheme,
                     origin.authority.empty() ? local_authority(exchange) : origin.authority,
                     origin.prefix);
}

OwnNames own_names(const AnswerOptions& options, const Exchange& exchange) {
  return {.public_url = options.public_url,
          .base = base_url(options, exchange),
          .local_authority = local_authority(exchange),
          .port = exchange.local_port,
          .is_encrypted = exchange.is_encrypted};
}

}  // namespace imagined::api
