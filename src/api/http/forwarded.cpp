#include "api/http/forwarded.h"

#include <algorithm>
#include <optional>

#include "api/http/head.h"

namespace imagined::api {
namespace {

// One proxy's words; empty: it did not say.
struct Hop {
  std::string_view client;
  std::string_view scheme;
  std::string_view host;
};

// An address as proxies write it: with a port, in brackets, or bare.
std::optional<IpAddress> parse_client(std::string_view text) {
  if (text.starts_with('[')) {
    return parse_address(text.substr(1, text.find(']') - 1));
  }
  if (std::count(text.begin(), text.end(), ':') == 1) text = text.substr(0, text.find(':'));
  return parse_address(text);
}

std::string_view unquoted(std::string_view text) {
  const bool quoted = text.size() >= 2 && text.front() == '"' && text.back() == '"';
  return quoted ? text.substr(1, text.size() - 2) : text;
}

// `for=192.0.2.60;proto=https;host="pictures.example:443"`
Hop read_forwarded(std::string_view element) {
  Hop hop;
  while (!element.empty()) {
    const auto end = element.find(';');
    const auto pair = trim(element.substr(0, end));
    element.remove_prefix(end == std::string_view::npos ? element.size() : end + 1);
    const auto equals = pair.find('=');
    if (equals == std::string_view::npos) continue;
    const auto name = pair.substr(0, equals);
    const auto value = unquoted(pair.substr(equals + 1));
    if (equal_ignoring_case(name, "for")) hop.client = value;
    if (equal_ignoring_case(name, "proto")) hop.scheme = value;
    if (equal_ignoring_case(name, "host")) hop.host = value;
  }
  return hop;
}

// All items of the fields of that name, the nearest proxy's last.
std::vector<std::string_view> items(const Headers& headers, std::string_view name) {
  std::vector<std::string_view> found;
  for (const Header& field : headers.all()) {
    if (!equal_ignoring_case(field.name, name)) continue;
    for (std::string_view list = field.value; !list.empty();) found.push_back(take_item(list));
  }
  return found;
}

// The same from both kinds of fields: one hop an address, in the order of the list.
std::vector<Hop> read_hops(const Headers& headers) {
  std::vector<Hop> hops;
  if (headers.has("forwarded")) {
    for (const auto element : items(headers, "forwarded")) hops.push_back(read_forwarded(element));
    return hops;
  }
  const auto clients = items(headers, "x-forwarded-for");
  const auto schemes = items(headers, "x-forwarded-proto");
  const auto hosts = items(headers, "x-forwarded-host");
  // A proxy that replaces a field instead of adding to it leaves a shorter list: its end is
  // aligned.
  const auto from_end = [](const auto& list, std::size_t back) {
    return back < list.size() ? list[list.size() - 1 - back] : std::string_view{};
  };
  const std::size_t count = std::max({clients.size(), schemes.size(), hosts.size()});
  for (std::size_t back = count; back-- > 0;) {
    hops.push_back({from_end(clients, back), from_end(schemes, back), from_end(hosts, back)});
  }
  return hops;
}

bool has_forwarded_fields(const Headers& headers) {
  return headers.has("forwarded") || headers.has("x-forwarded-for") ||
         headers.has("x-forwarded-proto") || headers.has("x-forwarded-host") ||
         headers.has("x-forwarded-prefix");
}

bool is_prefix(std::string_view text) {
  const auto allowed = [](char c) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    return letter || std::string_view("/-._~").find(c) != std::string_view::npos;
  };
  return text.starts_with('/') && !text.starts_with("//") &&
         std::all_of(text.begin(), text.end(), allowed);
}

// Calls `use` for each hop that a trusted proxy has written, the nearest first.
template <class Use>
void for_each_believed(const std::vector<Hop>& hops, IpAddress speaker, const ProxyList& trusted,
                       Use use) {
  for (auto hop = hops.rbegin(); hop != hops.rend() && trusted.contains(speaker); ++hop) {
    use(*hop);
    const auto client = parse_client(hop->client);
    if (!client) return;
    speaker = *client;
  }
}

}  // namespace

Origin find_origin(const Request& request, const IpAddress& peer, const ProxyList& trusted,
                   std::string_view own_scheme) {
  Origin origin{
      .client = plain(peer),
      .scheme = std::string(own_scheme),
      .authority = std::string(request.target_authority.empty() ? request.headers.find("host")
                                                                : request.target_authority)};
  if (!has_forwarded_fields(request.headers)) return origin;
  if (!trusted.contains(peer)) {
    origin.fields_ignored = true;
    return origin;
  }
  for_each_believed(read_hops(request.headers), plain(peer), trusted, [&](const Hop& hop) {
    if (const auto client = parse_client(hop.client)) origin.client = *client;
    for (const char* scheme : {"http", "https"}) {
      if (equal_ignoring_case(hop.scheme, scheme)) origin.scheme = scheme;
    }
    if (is_authority(hop.host)) origin.authority = hop.host;
  });
  auto prefix = request.headers.find("x-forwarded-prefix");
  while (prefix.ends_with('/')) prefix.remove_suffix(1);
  if (is_prefix(prefix)) origin.prefix = prefix;
  return origin;
}

IpAddress counted_address(const Request& request, const IpAddress& peer, const ProxyList& trusted) {
  const IpAddress near = plain(peer);
  if (trusted.contains(near) || !near.is_loopback()) {
    return find_origin(request, near, trusted).client;
  }
  const auto hops = read_hops(request.headers);
  return hops.empty() ? near : parse_client(hops.back().client).value_or(near);
}

}  // namespace imagined::api
