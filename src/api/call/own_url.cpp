#include "api/call/own_url.h"

#include <fmt/format.h>
#include <unistd.h>

#include <array>

#include "base/text.h"

namespace imagined::api {
namespace {

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

bool names_this_server(std::string_view authority, const OwnNames& names) {
  const std::string& local = names.local_authority;
  if (equal_ignoring_case(authority, authority_of(names.public_url))) return true;
  if (!local.empty() && equal_ignoring_case(authority, local)) return true;
  const std::uint16_t default_port = names.is_encrypted ? 443 : 80;
  for (const std::string& name : {std::string("localhost"), host_name()}) {
    if (equal_ignoring_case(authority, authority_of_endpoint(name, names.port))) return true;
    if (names.port == default_port && equal_ignoring_case(authority, name)) return true;
  }
  return names.port == default_port &&
         equal_ignoring_case(fmt::format("{}:{}", authority, default_port), local);
}

std::optional<std::string_view> own_target(std::string_view url, const OwnNames& names) {
  if (!names.base.empty() && url.starts_with(names.base) &&
      url.substr(names.base.size()).starts_with('/'))
    return url.substr(names.base.size());
  const std::string_view authority = authority_of(url);
  const std::string_view port = url.starts_with("https") ? ":443" : ":80";
  const std::string_view host =
      authority.ends_with(port) ? authority.substr(0, authority.size() - port.size()) : authority;
  if (!names_this_server(authority, names) && !names_this_server(host, names)) return std::nullopt;
  return url.substr(static_cast<std::size_t>(authority.data() + authority.size() - url.data()));
}

std::string authority_of_endpoint(std::string_view host, std::uint16_t port) {
  const bool is_v6 = host.find(':') != std::string_view::npos;
  return is_v6 ? fmt::format("[{}]:{}", host, port) : fmt::format("{}:{}", host, port);
}

}  // namespace imagined::api
