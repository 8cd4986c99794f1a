// Internet addresses, and which of them anybody may be sent to.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"

namespace imagined::net {

/// An address of IPv6, or one of IPv4 in its mapped form (::ffff:a.b.c.d): one kind of value to
/// compare, and a mapped address cannot pass for another one.
struct IpAddress {
  std::array<std::uint8_t, 16> bytes{};

  bool is_v4() const;
  bool operator==(const IpAddress&) const = default;
};

/// Dotted decimal without leading zeros, or IPv6 without a zone; nothing else.
std::optional<IpAddress> parse_ip(std::string_view text);
IpAddress v4_address(std::span<const std::uint8_t, 4> bytes);
std::string to_string(const IpAddress& address);

/// All addresses that share the first bits.
struct Network {
  IpAddress base;
  int prefix_bits = 128;  // of the 128: an IPv4 network of /8 has 104

  bool contains(const IpAddress& address) const;
};

/// "10.0.0.0/8", "fd00::/8" or a single address. `invalid_argument` for anything else.
Result<Network> parse_network(std::string_view text);

/// Whether the address is one of the whole internet's: neither private, loopback, link-local,
/// shared, multicast, reserved nor for documentation, nor one that leads to such an address by
/// translation (IANA's special-purpose registries, October 2026). Of IPv6 only 2000::/3 is.
bool is_public(const IpAddress& address);

}  // namespace imagined::net
