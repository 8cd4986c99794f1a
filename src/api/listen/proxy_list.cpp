#include "api/listen/proxy_list.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <string>

#include "base/text.h"

namespace imagined::api {
namespace {

template <class Bytes>
bool share_bits(const Bytes& a, const Bytes& b, int bits) {
  for (std::size_t i = 0; bits > 0; ++i, bits -= 8) {
    const int spare = std::max(8 - bits, 0);
    if ((a[i] ^ b[i]) >> spare != 0) return false;
  }
  return true;
}

}  // namespace

IpAddress plain(const IpAddress& address) {
  if (address.is_v6() && address.to_v6().is_v4_mapped()) {
    return boost::asio::ip::make_address_v4(boost::asio::ip::v4_mapped, address.to_v6());
  }
  return address;
}

std::optional<IpAddress> parse_address(std::string_view text) {
  boost::system::error_code error;
  const auto address = boost::asio::ip::make_address(std::string(text), error);
  if (error) return std::nullopt;
  return plain(address);
}

Result<ProxyList> ProxyList::parse(std::string_view text) {
  ProxyList list;
  while (!text.empty()) {
    const auto item = take_item(text);
    const auto slash = item.find('/');
    const auto address = parse_address(item.substr(0, slash));
    const int bits_max = address && address->is_v4() ? 32 : 128;
    int bits = bits_max;
    bool good = address.has_value();
    if (slash != std::string_view::npos) {
      const auto digits = item.substr(slash + 1);
      const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), bits);
      good = good && error == std::errc() && end == digits.data() + digits.size() && bits >= 0 &&
             bits <= bits_max;
    }
    if (!good) {
      return fail(ErrorCode::invalid_argument,
                  fmt::format("trusted_proxies: expected addresses or networks such as 10.0.0.0/8 "
                              "with commas between them, got \"{}\"",
                              item),
                  "trusted_proxies");
    }
    list.networks_.push_back({*address, bits});
  }
  return list;
}

bool ProxyList::contains(const IpAddress& address) const {
  const IpAddress wanted = plain(address);
  return std::any_of(networks_.begin(), networks_.end(), [&](const Network& network) {
    if (network.address.is_v4() != wanted.is_v4()) return false;
    return wanted.is_v4() ? share_bits(network.address.to_v4().to_bytes(),
                                       wanted.to_v4().to_bytes(), network.bits)
                          : share_bits(network.address.to_v6().to_bytes(),
                                       wanted.to_v6().to_bytes(), network.bits);
  });
}

}  // namespace imagined::api
