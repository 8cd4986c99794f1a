// Addresses, and the proxies that the operator lists.
#pragma once

#include <boost/asio/ip/address.hpp>
#include <optional>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace imagined::api {

using IpAddress = boost::asio::ip::address;

/// One of IPv4 inside IPv6 (::ffff:a.b.c.d) as that of IPv4.
IpAddress plain(const IpAddress& address);

/// A plain one; nothing: the text is no address.
std::optional<IpAddress> parse_address(std::string_view text);

/// The addresses in the setting `trusted_proxies`.
class ProxyList {
 public:
  /// Addresses and networks (`10.0.0.0/8`) with commas between them; empty: nobody.
  static Result<ProxyList> parse(std::string_view text);
  bool contains(const IpAddress& address) const;

 private:
  struct Network {
    IpAddress address;
    int bits = 0;
  };
  std::vector<Network> networks_;
};

}  // namespace imagined::api
