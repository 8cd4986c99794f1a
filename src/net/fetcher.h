// GET and PUT of URLs that strangers name. Such a request is sent by this machine, from inside its
// network, so everything about where it may lead is decided here (reliability.md 4.7).
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "net/address.h"
#include "net/url.h"

namespace imagined::net {

using FetchDeadline = std::chrono::steady_clock::time_point;

/// The addresses of a host's name, before the deadline.
using Resolver =
    std::function<Result<std::vector<IpAddress>>(const std::string& host, FetchDeadline deadline)>;

/// By the system's resolver, on a thread of its own, which may outlast the deadline; at most 16
/// such threads at a time.
Resolver system_resolver();

struct FetchRules {
  std::vector<Network> networks_allowed;   // though not public, and at any port
  std::vector<std::string> hosts_allowed;  // the same, by name; lower case
  std::string ca_file;                     // certificates to trust; empty: the system's
  Resolver resolve = system_resolver();
};

/// Rules that allow what a list with commas names: networks ("10.1.0.0/16") and host names
/// ("pictures.internal"). `invalid_argument`, field "fetch_allow", for anything else.
Result<FetchRules> parse_fetch_rules(std::string_view allowed);

struct FetchLimits {
  std::size_t bytes_max = 10u << 20;
  FetchDeadline deadline;  // for names, all redirects and all bytes together, however slow
};

/// Called with each piece of the body; an error ends the fetch and becomes its error.
using FetchSink = std::function<Result<void>(std::span<const std::uint8_t>)>;

struct FetchUpload {
  std::span<const std::uint8_t> bytes;
  std::string_view content_type;
};

class Fetcher {
 public:
  explicit Fetcher(FetchRules rules);
  ~Fetcher();

  /// Hands the body to `sink` as it arrives; blocks until the end, any number of threads at a time,
  /// of which four per host are let through. What is not wholly right is an error:
  ///   `invalid_argument`   a URL or an address that may not be (named); anything that went wrong
  ///                        on the way, in one sentence that tells nothing about this network
  ///                        (the reason is the detail); a body above the limit; an answer that is
  ///                        not 200 or is encoded
  /// At most three redirects, each checked like the first URL, never from https to http. No proxy,
  /// no cookies, no credentials; nothing of the answer but its body is used.
  Result<void> get(std::string_view url, const FetchLimits& limits, const FetchSink& sink);
  /// Sends the bytes there by the same rules, four per host at a time beside those of `get`, and
  /// waits for the answer until the deadline; any from 200 to 299 is right, its body is passed
  /// over, and nothing redirects it. The error says of "it", the other end, what was wrong.
  Result<void> put(std::string_view url, const FetchUpload& upload, FetchDeadline deadline);
  /// What `get` and `put` would say of a URL before they have asked anybody.
  Result<void> check(std::string_view url) const;

 private:
  class Place;
  /// Whoever takes what is sent slowly does not keep what it has from being fetched.
  enum class Direction : std::uint8_t { from_there, to_there };

  Result<Url> checked(std::string_view text) const;

  Result<void> check_port(const Url& url) const;
  Result<std::vector<IpAddress>> addresses_of(const Url& url, FetchDeadline deadline) const;
  bool is_allowed(const IpAddress& address) const;
  bool is_allowed_host(const Url& url) const;

  const FetchRules rules_;
  std::mutex mutex_;
  std::condition_variable place_free_;
  std::map<std::pair<Direction, std::string>, int> in_flight_;  // by host
};

}  // namespace imagined::net
