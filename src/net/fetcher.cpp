#include "net/fetcher.h"

#include <fmt/core.h>
#include <ifaddrs.h>
#include <netdb.h>
#include <netinet/in.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <exception>
#include <memory>
#include <optional>
#include <thread>
#include <utility>

#include "base/check.h"
#include "base/memory.h"
#include "base/text.h"
#include "base/words.h"
#include "net/curl.h"

namespace imagined::net {
namespace {

using std::chrono::duration_cast;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr int kRedirectsMax = 3;
constexpr int kPerHostMax = 4;
constexpr int kLookupsMax = 16;
constexpr std::size_t kAddressesMax = 16;  // of one name
constexpr std::size_t kHeaderBytesMax = 16 * 1024;

tl::unexpected<Error> not_fetched(std::string detail) {
  return fail(ErrorCode::invalid_argument, "the URL could not be fetched", {}, std::move(detail));
}

/// What keeps bytes from being sent; the address that was tried is nobody's to know.
tl::unexpected<Error> not_sent(std::string why, std::string detail) {
  return fail(ErrorCode::invalid_argument, std::move(why), {}, std::move(detail));
}

constexpr const char* kNotReached = "it could not be reached";
constexpr const char* kTooSlow = "it took too long";

long left_ms(FetchDeadline deadline) {
  return static_cast<long>(duration_cast<milliseconds>(deadline - steady_clock::now()).count());
}

std::optional<IpAddress> address_of(const sockaddr* address) {
  if (address == nullptr) return std::nullopt;
  if (address->sa_family == AF_INET) {
    std::array<std::uint8_t, 4> bytes;
    std::memcpy(bytes.data(), &reinterpret_cast<const sockaddr_in*>(address)->sin_addr, 4);
    return v4_address(bytes);
  }
  if (address->sa_family != AF_INET6) return std::nullopt;
  IpAddress v6;
  std::memcpy(v6.bytes.data(), &reinterpret_cast<const sockaddr_in6*>(address)->sin6_addr, 16);
  return v6;
}

/// A public address may be this machine's own, where a request would come back to us.
bool is_of_this_machine(const IpAddress& address) {
  ifaddrs* list = nullptr;
  if (getifaddrs(&list) != 0) return true;  // cannot tell: better not
  const std::unique_ptr<ifaddrs, void (*)(ifaddrs*)> owner(list, freeifaddrs);
  for (const ifaddrs* one = list; one != nullptr; one = one->ifa_next)
    if (address_of(one->ifa_addr) == address) return true;
  return false;
}

struct Lookup {
  std::mutex mutex;
  std::condition_variable ended;
  bool has_ended = false;
  std::vector<IpAddress> addresses;
};

std::vector<IpAddress> look_up(const std::string& host) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* list = nullptr;
  std::vector<IpAddress> addresses;
  if (getaddrinfo(host.c_str(), nullptr, &hints, &list) != 0) return addresses;
  for (const addrinfo* one = list; one != nullptr; one = one->ai_next)
    if (const auto address = address_of(one->ai_addr)) addresses.push_back(*address);
  freeaddrinfo(list);
  return addresses;
}

/// One request and its answer: what libcurl's callbacks see. They are called from C, so nothing may
/// leave them but a number.
struct Transfer {
  const std::vector<IpAddress>& addresses;  // the checked ones
  std::size_t bytes_left;
  const FetchSink& sink;
  std::span<const std::uint8_t> to_send = {};
  CURL* curl = nullptr;
  std::size_t header_bytes = 0;
  std::string location;
  bool encoded = false;
  std::optional<Error> error;
};

bool begins_with_name(std::string_view line, std::string_view name) {
  return line.size() > name.size() && line[name.size()] == ':' &&
         std::equal(name.begin(), name.end(), line.begin(),
                    [](char a, char b) { return a == (b >= 'A' && b <= 'Z' ? b - 'A' + 'a' : b); });
}

std::string_view value_of(std::string_view line) {
  line.remove_prefix(line.find(':') + 1);
  while (!line.empty() && (line.front() == ' ' || line.front() == '\t')) line.remove_prefix(1);
  while (!line.empty() && line.back() <= ' ') line.remove_suffix(1);
  return line;
}

/// The second look at the address, at the moment of connecting: the first one cannot have been
/// replaced by another.
curl_socket_t open_socket(void* context, curlsocktype, curl_sockaddr* address) {
  const auto& transfer = *static_cast<Transfer*>(context);
  const auto wanted = address_of(&address->addr);
  const bool checked = wanted && std::find(transfer.addresses.begin(), transfer.addresses.end(),
                                           *wanted) != transfer.addresses.end();
  if (!checked) return CURL_SOCKET_BAD;
  return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

std::size_t take_header(char* bytes, std::size_t, std::size_t count, void* context) {
  auto& transfer = *static_cast<Transfer*>(context);
  transfer.header_bytes += count;
  if (transfer.header_bytes > kHeaderBytesMax) return 0;
  const std::string_view line(bytes, count);
  if (begins_with_name(line, "location")) transfer.location = value_of(line);
  if (begins_with_name(line, "content-encoding") && value_of(line) != "identity")
    transfer.encoded = true;
  return count;
}

std::size_t take_body(char* bytes, std::size_t, std::size_t count, void* context) {
  auto& transfer = *static_cast<Transfer*>(context);
  long status = 0;
  curl_easy_getinfo(transfer.curl, CURLINFO_RESPONSE_CODE, &status);
  if (status != 200) return 0;  // whatever it says, we do not want it
  if (transfer.encoded) {
    transfer.error = not_fetched("the answer is encoded").value();
    return 0;
  }
  if (count > transfer.bytes_left) {
    transfer.error = Error{.code = ErrorCode::invalid_argument,
                           .message = "the URL leads to more bytes than are allowed"};
    return 0;
  }
  transfer.bytes_left -= count;
  const auto taken = transfer.sink({reinterpret_cast<const std::uint8_t*>(bytes), count});
  if (taken) return count;
  transfer.error = taken.error();
  return 0;
}

std::size_t give_body(char* bytes, std::size_t size, std::size_t count, void* context) {
  auto& to_send = static_cast<Transfer*>(context)->to_send;
  const auto piece = to_send.first(std::min(size * count, to_send.size()));
  std::ranges::copy(piece, bytes);
  to_send = to_send.subspan(piece.size());
  return piece.size();
}

std::size_t pass_over(char*, std::size_t, std::size_t count, void*) { return count; }

/// "host:port:address,address": the name is not looked up again, but still names the certificate.
CurlList resolved(const Url& url, const std::vector<IpAddress>& addresses) {
  std::vector<std::string> texts;
  for (const IpAddress& address : addresses)
    texts.push_back(address.is_v4() ? to_string(address) : fmt::format("[{}]", to_string(address)));
  return list_of({fmt::format("{}:{}:{}", url.host, url.port, join_words(texts, ","))});
}

struct Answer {
  long status = 0;
  std::string location;
};

std::string why_not_sent(CURL* curl, CURLcode code) {
  long error = 0;
  curl_easy_getinfo(curl, CURLINFO_OS_ERRNO, &error);
  switch (code) {
    case CURLE_OPERATION_TIMEDOUT:
      return kTooSlow;
    case CURLE_COULDNT_CONNECT:
      return error == ECONNREFUSED ? "it refused the connection" : kNotReached;
    case CURLE_PEER_FAILED_VERIFICATION:
      return "its certificate is not one to be trusted";
    case CURLE_SSL_CONNECT_ERROR:
      return "it does not speak TLS as it should";
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
    case CURLE_GOT_NOTHING:
    case CURLE_PARTIAL_FILE:
      return "it broke off the connection";
    default:
      return kNotReached;
  }
}

Result<Answer> request(const Url& url, const std::vector<IpAddress>& addresses,
                       const FetchRules& rules, const FetchLimits& limits, const FetchSink& sink,
                       const FetchUpload* upload = nullptr) {
  const long time_ms = left_ms(limits.deadline);
  if (time_ms <= 0)
    return upload ? not_sent(kTooSlow, "no time left") : not_fetched("no time left");
  const Curl curl(curl_easy_init());
  const CurlList names = url.address ? nullptr : resolved(url, addresses);
  expect_memory(curl != nullptr);
  Transfer transfer{.addresses = addresses, .bytes_left = limits.bytes_max, .sink = sink};
  transfer.curl = curl.get();
  const std::string text = url.text();
  set(curl.get(), CURLOPT_URL, text.c_str());
  set(curl.get(), CURLOPT_PROTOCOLS_STR, url.https ? "https" : "http");
  if (names) set(curl.get(), CURLOPT_RESOLVE, names.get());
  set(curl.get(), CURLOPT_OPENSOCKETFUNCTION, open_socket);
  set(curl.get(), CURLOPT_OPENSOCKETDATA, &transfer);
  set(curl.get(), CURLOPT_PROXY, "");  // not even from the environment
  set(curl.get(), CURLOPT_NOPROXY, "*");
  set(curl.get(), CURLOPT_FOLLOWLOCATION, 0L);
  set(curl.get(), CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  set(curl.get(), CURLOPT_HTTP09_ALLOWED, 0L);
  set(curl.get(), CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  set(curl.get(), CURLOPT_SSL_VERIFYPEER, 1L);
  set(curl.get(), CURLOPT_SSL_VERIFYHOST, 2L);
  if (!rules.ca_file.empty()) set(curl.get(), CURLOPT_CAINFO, rules.ca_file.c_str());
  set(curl.get(), CURLOPT_NOSIGNAL, 1L);
  set(curl.get(), CURLOPT_TIMEOUT_MS, time_ms);
  set(curl.get(), CURLOPT_USERAGENT, "imagined");
  set(curl.get(), CURLOPT_HEADERFUNCTION, take_header);
  set(curl.get(), CURLOPT_HEADERDATA, &transfer);
  set(curl.get(), CURLOPT_WRITEFUNCTION, take_body);
  set(curl.get(), CURLOPT_WRITEDATA, &transfer);
  CurlList of_upload;
  if (upload != nullptr) {
    transfer.to_send = upload->bytes;
    of_upload = list_of({fmt::format("Content-Type: {}", upload->content_type), "Expect:"});
    set(curl.get(), CURLOPT_UPLOAD, 1L);
    set(curl.get(), CURLOPT_INFILESIZE_LARGE, static_cast<curl_off_t>(upload->bytes.size()));
    set(curl.get(), CURLOPT_READFUNCTION, give_body);
    set(curl.get(), CURLOPT_READDATA, &transfer);
    set(curl.get(), CURLOPT_HTTPHEADER, of_upload.get());
    set(curl.get(), CURLOPT_WRITEFUNCTION, pass_over);
  }
  const CURLcode code = curl_easy_perform(curl.get());
  if (transfer.error) return tl::unexpected(std::move(*transfer.error));
  Answer answer{.location = std::move(transfer.location)};
  curl_easy_getinfo(curl.get(), CURLINFO_RESPONSE_CODE, &answer.status);
  // The body of any other answer was refused above, which curl reports as a failed write.
  const bool refused_body =
      code == CURLE_WRITE_ERROR && answer.status != 200 && transfer.header_bytes <= kHeaderBytesMax;
  // Who refuses an upload may do so before all of it is sent, and break off.
  const bool refused_upload = upload != nullptr && answer.status >= 300;
  if (code == CURLE_OK || refused_body || refused_upload) return answer;
  const char* reason = curl_easy_strerror(code);
  if (upload != nullptr) return not_sent(why_not_sent(curl.get(), code), reason);
  return not_fetched(reason);
}

bool is_redirect(long status) {
  return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

}  // namespace

Resolver system_resolver() {
  return [running = std::make_shared<std::atomic<int>>(0)](
             const std::string& host, FetchDeadline deadline) -> Result<std::vector<IpAddress>> {
    if (running->fetch_add(1) >= kLookupsMax) {
      running->fetch_sub(1);
      return not_fetched("too many names are being looked up");
    }
    const auto lookup = std::make_shared<Lookup>();
    const auto look = [lookup, running, host] {
      auto addresses = look_up(host);
      running->fetch_sub(1);
      const std::lock_guard lock(lookup->mutex);
      lookup->addresses = std::move(addresses);
      lookup->has_ended = true;
      lookup->ended.notify_all();
    };
    try {
      std::thread(look).detach();
    } catch (const std::exception&) {  // short of memory, or of threads
      running->fetch_sub(1);
      return not_fetched("there is no room for another lookup");
    }
    std::unique_lock lock(lookup->mutex);
    if (!lookup->ended.wait_until(lock, deadline, [&] { return lookup->has_ended; }))
      return not_fetched("the name's lookup took too long");
    return std::move(lookup->addresses);
  };
}

Result<FetchRules> parse_fetch_rules(std::string_view allowed) {
  FetchRules rules;
  while (!allowed.empty()) {
    const std::size_t comma = std::min(allowed.find(','), allowed.size());
    const std::string item(trim(allowed.substr(0, comma)));
    allowed.remove_prefix(std::min(comma + 1, allowed.size()));
    if (item.empty()) continue;
    if (const auto network = parse_network(item)) {
      rules.networks_allowed.push_back(*network);
    } else if (const auto url = parse_url("http://" + item);
               url && url->text() == "http://" + item + ":80/") {
      rules.hosts_allowed.push_back(url->host);
    } else {
      return fail(ErrorCode::invalid_argument,
                  fmt::format("fetch_allow: {:?} is neither a network such as 10.0.0.0/8 nor a "
                              "host's name in lower case",
                              item),
                  "fetch_allow");
    }
  }
  return rules;
}

/// One of the four places that a host has in either direction.
class Fetcher::Place {
 public:
  Place(Fetcher& fetcher, Direction direction, std::string host, FetchDeadline deadline)
      : fetcher_(fetcher), at_(direction, std::move(host)) {
    std::unique_lock lock(fetcher_.mutex_);
    taken_ = fetcher_.place_free_.wait_until(
        lock, deadline, [&] { return fetcher_.in_flight_[at_] < kPerHostMax; });
    if (taken_) ++fetcher_.in_flight_[at_];
  }
  ~Place() {
    if (!taken_) return;
    const std::lock_guard lock(fetcher_.mutex_);
    if (--fetcher_.in_flight_[at_] == 0) fetcher_.in_flight_.erase(at_);
    fetcher_.place_free_.notify_all();
  }
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;

  bool taken() const { return taken_; }

 private:
  Fetcher& fetcher_;
  const std::pair<Direction, std::string> at_;
  bool taken_ = false;
};

Fetcher::Fetcher(FetchRules rules) : rules_(std::move(rules)) {
  // Counted by the library: as many calls as there are fetchers.
  CHECK(curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK, "curl_global_init failed");
}

Fetcher::~Fetcher() { curl_global_cleanup(); }

bool Fetcher::is_allowed_host(const Url& url) const {
  return std::find(rules_.hosts_allowed.begin(), rules_.hosts_allowed.end(), url.host) !=
         rules_.hosts_allowed.end();
}

bool Fetcher::is_allowed(const IpAddress& address) const {
  return std::any_of(rules_.networks_allowed.begin(), rules_.networks_allowed.end(),
                     [&](const Network& network) { return network.contains(address); });
}

Result<void> Fetcher::check_port(const Url& url) const {
  const bool any_port = is_allowed_host(url) || (url.address && is_allowed(*url.address));
  if (any_port || url.port == 443 || url.port == 80) return {};
  return fail(ErrorCode::invalid_argument,
              fmt::format("the URL names port {}, expected 443 or 80", url.port));
}

Result<std::vector<IpAddress>> Fetcher::addresses_of(const Url& url, FetchDeadline deadline) const {
  const auto addresses = url.address ? Result<std::vector<IpAddress>>{{*url.address}}
                                     : rules_.resolve(url.host, deadline);
  if (!addresses) return addresses;
  if (addresses->empty()) return not_fetched("the name has no address");
  if (addresses->size() > kAddressesMax) return not_fetched("the name has too many addresses");
  if (is_allowed_host(url)) return addresses;
  for (const IpAddress& address : *addresses) {
    if (is_allowed(address) || (is_public(address) && !is_of_this_machine(address))) continue;
    // Of a written address anybody knows what it is; what a name stands for is not ours to tell.
    if (!url.address) return not_fetched(to_string(address) + " is not public");
    return fail(ErrorCode::invalid_argument, "the URL leads to an address that is not public");
  }
  return addresses;
}

Result<Url> Fetcher::checked(std::string_view text) const {
  Url url = TRY(parse_url(text));
  TRY(check_port(url));
  if (url.address) TRY(addresses_of(url, FetchDeadline()));
  return url;
}

Result<void> Fetcher::check(std::string_view url) const {
  TRY(checked(url));
  return {};
}

Result<void> Fetcher::put(std::string_view text, const FetchUpload& upload,
                          FetchDeadline deadline) {
  const Url url = TRY(checked(text));
  const auto addresses = addresses_of(url, deadline);
  if (!addresses) return not_sent(kNotReached, addresses.error().detail);
  const Place place(*this, Direction::to_there, url.host, deadline);
  if (!place.taken()) return not_sent(kTooSlow, "the host is busy with other requests of ours");
  const FetchLimits limits{.bytes_max = 0, .deadline = deadline};
  const FetchSink none = [](std::span<const std::uint8_t>) { return Result<void>(); };
  const Answer answer = TRY(request(url, *addresses, rules_, limits, none, &upload));
  if (answer.status >= 200 && answer.status < 300) return {};
  std::string status = fmt::format("status {}", answer.status);
  if (is_redirect(answer.status))
    return not_sent(fmt::format("it redirects elsewhere ({}), which uploads do not follow", status),
                    status);
  return not_sent(fmt::format("it answered with {}", status), status);
}

Result<void> Fetcher::get(std::string_view text, const FetchLimits& limits, const FetchSink& sink) {
  Url url = TRY(parse_url(text));
  for (int redirects = 0; redirects <= kRedirectsMax; ++redirects) {
    TRY(check_port(url));
    const auto addresses = TRY(addresses_of(url, limits.deadline));
    const Place place(*this, Direction::from_there, url.host, limits.deadline);
    if (!place.taken()) return not_fetched("the host is busy with other requests of ours");
    const Answer answer = TRY(request(url, addresses, rules_, limits, sink));
    if (answer.status == 200) return {};
    if (!is_redirect(answer.status) || answer.location.empty())
      return not_fetched(fmt::format("status {}", answer.status));
    Url next = TRY(parse_redirect(url, answer.location));
    if (url.https && !next.https) return not_fetched("a redirect from https to http");
    url = std::move(next);
  }
  return not_fetched("too many redirects");
}

}  // namespace imagined::net
