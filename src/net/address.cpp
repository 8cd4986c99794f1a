#include "net/address.h"

#include <arpa/inet.h>
#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <cstring>

#include "base/check.h"

namespace imagined::net {
namespace {

constexpr std::array<std::uint8_t, 12> kMapped = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};

// Parsed once. Special-purpose addresses within IPv4, and within 2000::/3 of IPv6.
constexpr std::string_view kSpecial[] = {
    "0.0.0.0/8",        // "this network"
    "10.0.0.0/8",       // private
    "100.64.0.0/10",    // shared by carriers
    "127.0.0.0/8",      // loopback
    "169.254.0.0/16",   // link-local, and the metadata services of clouds
    "172.16.0.0/12",    // private
    "192.0.0.0/24",     // protocol assignments
    "192.0.2.0/24",     // documentation
    "192.88.99.0/24",   // 6to4 relays, retired
    "192.168.0.0/16",   // private
    "198.18.0.0/15",    // benchmarks
    "198.51.100.0/24",  // documentation
    "203.0.113.0/24",   // documentation
    "224.0.0.0/4",      // multicast
    "240.0.0.0/4",      // reserved, and broadcast
    "2001::/23",        // protocol assignments, Teredo among them
    "2001:db8::/32",    // documentation
    "2002::/16",        // 6to4: an IPv4 address within
    "3fff::/20",        // documentation
};
constexpr std::string_view kGlobal = "2000::/3";
constexpr std::string_view kTranslated = "64:ff9b::/96";  // NAT64: an IPv4 address at the end

Network network(std::string_view text) {
  const auto parsed = parse_network(text);
  CHECK(parsed, "{} is no network", text);
  return *parsed;
}

// ::0:5efe:a.b.c.d and ::200:5efe:a.b.c.d below any prefix: ISATAP, an IPv4 address at the end.
bool is_isatap(const IpAddress& address) {
  const auto& b = address.bytes;
  return (b[8] & 0xFD) == 0 && b[9] == 0 && b[10] == 0x5E && b[11] == 0xFE;
}

}  // namespace

bool IpAddress::is_v4() const { return std::equal(kMapped.begin(), kMapped.end(), bytes.begin()); }

IpAddress v4_address(std::span<const std::uint8_t, 4> bytes) {
  IpAddress address;
  std::copy(kMapped.begin(), kMapped.end(), address.bytes.begin());
  std::copy(bytes.begin(), bytes.end(), address.bytes.begin() + kMapped.size());
  return address;
}

std::optional<IpAddress> parse_ip(std::string_view text) {
  const std::string copy(text);
  if (copy.find('\0') != std::string::npos) return std::nullopt;
  std::array<std::uint8_t, 4> v4;
  if (inet_pton(AF_INET, copy.c_str(), v4.data()) == 1) return v4_address(v4);
  IpAddress v6;
  if (inet_pton(AF_INET6, copy.c_str(), v6.bytes.data()) == 1) return v6;
  return std::nullopt;
}

std::string to_string(const IpAddress& address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  const bool v4 = address.is_v4();
  inet_ntop(v4 ? AF_INET : AF_INET6, address.bytes.data() + (v4 ? kMapped.size() : 0), text.data(),
            text.size());
  return text.data();
}

bool Network::contains(const IpAddress& address) const {
  const auto whole = static_cast<std::size_t>(prefix_bits / 8);
  if (!std::equal(base.bytes.begin(), base.bytes.begin() + static_cast<std::ptrdiff_t>(whole),
                  address.bytes.begin()))
    return false;
  const int left = prefix_bits % 8;
  return left == 0 || (base.bytes[whole] ^ address.bytes[whole]) >> (8 - left) == 0;
}

Result<Network> parse_network(std::string_view text) {
  const std::size_t slash = std::min(text.find('/'), text.size());
  const auto base = parse_ip(text.substr(0, slash));
  const bool v4 = base && base->is_v4();
  int bits = v4 ? 32 : 128;
  bool sound = base.has_value();
  if (slash != text.size()) {
    const std::string_view digits = text.substr(slash + 1);
    const int most = bits;
    const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), bits);
    sound = sound && read.ec == std::errc() && read.ptr == digits.data() + digits.size() &&
            bits >= 0 && bits <= most;
  }
  if (!sound)
    return fail(ErrorCode::invalid_argument,
                fmt::format("\"{}\" is no network, expected one such as 10.0.0.0/8 or fd00::/8",
                            text.substr(0, 60)));
  return Network{*base, v4 ? bits + 96 : bits};
}

bool is_public(const IpAddress& address) {
  static const Network global = network(kGlobal);
  static const Network translated = network(kTranslated);
  static const auto special = [] {
    std::array<Network, std::size(kSpecial)> networks;
    std::transform(std::begin(kSpecial), std::end(kSpecial), networks.begin(), network);
    return networks;
  }();
  if (translated.contains(address))
    return is_public(v4_address(std::span<const std::uint8_t, 4>(address.bytes.data() + 12, 4)));
  if (!address.is_v4() && (!global.contains(address) || is_isatap(address))) return false;
  return std::none_of(special.begin(), special.end(),
                      [&](const Network& one) { return one.contains(address); });
}

}  // namespace imagined::net
