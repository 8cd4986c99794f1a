#include "net/url.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>

namespace imagined::net {
namespace {

constexpr std::size_t kHostBytesMax = 253;  // RFC 1035, 2.3.4
constexpr std::size_t kLabelBytesMax = 63;

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

tl::unexpected<Error> bad_url(std::string_view reason) {
  return fail(ErrorCode::invalid_argument, fmt::format("the URL {}", reason));
}

/// A name of letters, digits, "-" and "_" with dots between its labels. What some resolver might
/// take for an address is refused: a last label that begins with a digit.
Result<void> check_host_name(std::string_view host) {
  if (host.empty() || host.size() > kHostBytesMax) return bad_url("names no host");
  std::string_view last;
  for (std::string_view left = host;;) {
    const std::size_t end = std::min(left.find('.'), left.size());
    last = left.substr(0, end);
    const bool sound = !last.empty() && last.size() <= kLabelBytesMax &&
                       std::all_of(last.begin(), last.end(), [](char c) {
                         return is_digit(c) || is_letter(c) || c == '-' || c == '_';
                       });
    if (!sound) return bad_url("names a host that may not be");
    if (end == left.size()) break;
    left.remove_prefix(end + 1);
  }
  if (is_digit(last.front())) return bad_url("names a host by an unusual form of an address");
  return {};
}

Result<std::uint16_t> parse_port(std::string_view text) {
  std::uint16_t port = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), port);
  if (read.ec != std::errc() || read.ptr != text.data() + text.size() || port == 0)
    return bad_url("has a port that is none");
  return port;
}

/// `host`, `host:port`, `1.2.3.4:port` or `[address]:port`.
Result<void> read_authority(std::string_view text, Url& url) {
  if (text.find('@') != std::string_view::npos) return bad_url("holds a user name");
  const bool bracketed = text.starts_with('[');
  const std::size_t end = bracketed ? text.find(']') : std::min(text.find(':'), text.size());
  if (end == std::string_view::npos) return bad_url("names a host that may not be");
  const std::string_view host = text.substr(bracketed ? 1 : 0, end - (bracketed ? 1 : 0));
  const std::string_view port = text.substr(end + (bracketed ? 1 : 0));
  url.address = parse_ip(host);
  const bool is_v6_text = host.find(':') != std::string_view::npos;
  if (bracketed && !(url.address && is_v6_text)) return bad_url("names a host that may not be");
  if (!url.address) TRY(check_host_name(host));
  url.host.resize(host.size());
  std::transform(host.begin(), host.end(), url.host.begin(), lower);
  url.port = url.https ? 443 : 80;
  if (port.empty()) return {};
  if (port.front() != ':') return bad_url("names a host that may not be");
  url.port = TRY(parse_port(port.substr(1)));
  return {};
}

}  // namespace

std::string Url::text() const {
  const bool bracketed = host.find(':') != std::string::npos;
  return fmt::format("{}://{}{}{}:{}{}", https ? "https" : "http", bracketed ? "[" : "", host,
                     bracketed ? "]" : "", port, target);
}

Result<Url> parse_url(std::string_view text) {
  if (text.size() > kUrlBytesMax)
    return bad_url(fmt::format("has {} bytes, at most {} are allowed", text.size(), kUrlBytesMax));
  const bool printable = std::all_of(text.begin(), text.end(),
                                     [](char c) { return c > ' ' && c < '\x7F' && c != '\\'; });
  if (!printable) return bad_url("holds characters that it may not");
  std::string scheme(text.substr(0, std::min(text.find(':'), text.size())));
  std::transform(scheme.begin(), scheme.end(), scheme.begin(), lower);
  Url url;
  if (scheme != "http" && scheme != "https") return bad_url("is neither http nor https");
  url.https = scheme == "https";
  text.remove_prefix(scheme.size());
  if (!text.starts_with("://")) return bad_url("has no \"//\" before its host");
  text.remove_prefix(3);
  const std::size_t end = std::min(text.find_first_of("/?#"), text.size());
  TRY(read_authority(text.substr(0, end), url));
  text.remove_prefix(end);
  url.target = text.substr(0, std::min(text.find('#'), text.size()));
  if (!url.target.starts_with('/')) url.target.insert(0, 1, '/');
  return url;
}

Result<Url> parse_redirect(const Url& base, std::string_view location) {
  const std::string_view scheme = base.https ? "https:" : "http:";
  if (location.starts_with("//")) return parse_url(fmt::format("{}{}", scheme, location));
  const std::size_t colon = location.find(':');
  if (colon < location.find_first_of("/?#")) return parse_url(location);
  Url root = base;
  const std::string_view path =
      std::string_view(base.target).substr(0, std::min(base.target.find('?'), base.target.size()));
  if (location.starts_with('/'))
    root.target.clear();
  else if (location.starts_with('?'))
    root.target = std::string(path);
  else
    root.target = std::string(path.substr(0, path.rfind('/') + 1));
  return parse_url(root.text() + std::string(location));
}

}  // namespace imagined::net
