// What proxies say about the client behind them, believed only of those that the operator lists.
#pragma once

#include <string>
#include <string_view>

#include "api/http/message.h"
#include "api/listen/proxy_list.h"

namespace imagined::api {

/// Where a request comes from, and how its client calls us.
struct Origin {
  IpAddress client;             // the nearest address that is no trusted proxy
  std::string scheme;           // "http" or "https"
  std::string authority;        // host, with its port where one was said; empty: nobody said
  std::string prefix;           // of the path, which a proxy has taken off: "" or "/images"
  bool fields_ignored = false;  // a peer that is not trusted sent such fields
};

/// Reads `Forwarded` (RFC 7239), else `X-Forwarded-For`, `-Proto`, `-Host` and `-Prefix`, when
/// `peer` is trusted. The lists are read from the right, for each proxy adds at the end, up to the
/// first address that is not trusted. What is no address, host or path counts as not said.
Origin find_origin(const Request& request, const IpAddress& peer, const ProxyList& trusted,
                   std::string_view own_scheme = "http");

/// The address whose connections and requests are counted together: also behind a proxy on this
/// very machine that is not listed it is the client that the proxy names.
IpAddress counted_address(const Request& request, const IpAddress& peer, const ProxyList& trusted);

}  // namespace imagined::api
