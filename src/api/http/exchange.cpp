#include "api/http/exchange.h"

#include <fmt/format.h>
#include <unistd.h>

#include <array>

namespace imagined::api {
namespace {

std::string local_authority(const Exchange& exchange) {
  const std::string address = exchange.local_address.to_string();
  return exchange.local_address.is_v6() ? fmt::format("[{}]:{}", address, exchange.local_port)
                                        : fmt::format("{}:{}", address, exchange.local_port);
}

std::string_view authority_of(std::string_view url) {
  if (const auto scheme = url.find("://"); scheme != std::string_view::npos) {
    url.remove_prefix(scheme + 3);
  }
  return url.substr(0, url.find('/'));
}

std::string host_name() {
  std::array<char, 256> name{};
  return gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "localhost";
}

}  // namespace

std::string base_url(const AnswerOptions& options, const Exchange& exchange) {
  if (!options.public_url.empty()) return options.public_url;
  const Origin& origin = exchange.origin;
  return fmt::format("{}://{}{}", origin.scheme,
                     origin.authority.empty() ? local_authority(exchange) : origin.authority,
                     origin.prefix);
}

bool names_this_server(std::string_view authority, const AnswerOptions& options,
                       const Exchange& exchange) {
  if (equal_ignoring_case(authority, authority_of(options.public_url))) return true;
  if (equal_ignoring_case(authority, local_authority(exchange))) return true;
  const std::uint16_t default_port = exchange.is_encrypted ? 443 : 80;
  for (const std::string& name : {std::string("localhost"), host_name()}) {
    if (equal_ignoring_case(authority, fmt::format("{}:{}", name, exchange.local_port)))
      return true;
    if (exchange.local_port == default_port && equal_ignoring_case(authority, name)) return true;
  }
  return exchange.local_port == default_port &&
         equal_ignoring_case(fmt::format("{}:{}", authority, default_port),
                             local_authority(exchange));
}

std::optional<std::string_view> own_target(std::string_view url, const AnswerOptions& options,
                                           const Exchange& exchange) {
  const std::string base = base_url(options, exchange);
  if (url.starts_with(base) && url.substr(base.size()).starts_with('/'))
    return url.substr(base.size());
  const std::string_view authority = authority_of(url);
  const std::string_view port = url.starts_with("https") ? ":443" : ":80";
  const std::string_view host =
      authority.ends_with(port) ? authority.substr(0, authority.size() - port.size()) : authority;
  if (!names_this_server(authority, options, exchange) &&
      !names_this_server(host, options, exchange))
    return std::nullopt;
  return url.substr(static_cast<std::size_t>(authority.data() + authority.size() - url.data()));
}

}  // namespace imagined::api
