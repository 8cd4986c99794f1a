#include "net/download.h"

#include <fmt/core.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "net/curl.h"
#include "net/url.h"

namespace imagined::net {
namespace {

constexpr int kHopsMax = 10;
constexpr long kConnectSeconds = 30;
// A transfer that moves less than a byte a second for so long has ended, whatever it says.
constexpr long kSilentSeconds = 60;
constexpr std::size_t kHeadBytesMax = 64u << 10;

struct Hop {
  DownloadHead& head;
  const DownloadSink& sink;
  const std::stop_token& stop;
  CURL* curl = nullptr;
  std::size_t head_bytes = 0;
  bool begun = false;
  std::optional<Error> error;
};

bool has_body_for_us(int status) { return status == 200 || status == 206; }

std::size_t take_field(char* bytes, std::size_t, std::size_t count, void* context) {
  Hop& hop = *static_cast<Hop*>(context);
  hop.head_bytes += count;
  if (hop.head_bytes > kHeadBytesMax) return 0;
  std::string_view line(bytes, count);
  while (line.ends_with('\n') || line.ends_with('\r')) line.remove_suffix(1);
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos) return count;  // a status line, or the end
  std::string name(line.substr(0, colon));
  std::ranges::transform(name, name.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  std::string_view value = line.substr(colon + 1);
  while (value.starts_with(' ') || value.starts_with('\t')) value.remove_prefix(1);
  hop.head.fields.insert_or_assign(std::move(name), std::string(value));
  return count;
}

std::size_t take_piece(char* bytes, std::size_t, std::size_t count, void* context) {
  Hop& hop = *static_cast<Hop*>(context);
  if (!hop.begun) {
    long status = 0;
    curl_easy_getinfo(hop.curl, CURLINFO_RESPONSE_CODE, &status);
    hop.head.status = static_cast<int>(status);
    hop.begun = true;
    if (has_body_for_us(hop.head.status)) {
      if (auto begun = hop.sink.begin(hop.head); !begun) {
        hop.error = std::move(begun.error());
        return 0;
      }
    }
  }
  if (!has_body_for_us(hop.head.status)) return count;
  auto taken = hop.sink.take({reinterpret_cast<const std::uint8_t*>(bytes), count});
  if (taken) return count;
  hop.error = std::move(taken.error());
  return 0;
}

// How curl asks, about once a second, whether to go on.
int look_for_stop(void* context, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  return static_cast<Hop*>(context)->stop.stop_requested() ? 1 : 0;
}

bool leads_on(int status) {
  return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

bool is_same_origin(const Url& a, const Url& b) {
  return a.https == b.https && a.host == b.host && a.port == b.port;
}

}  // namespace

std::string_view DownloadHead::field(std::string_view name) const {
  const auto found = fields.find(name);
  return found == fields.end() ? std::string_view() : found->second;
}

struct Downloader::Handle {
  Curl curl{curl_easy_init()};
};

Downloader::Downloader() {
  // Counted by the library: as many calls as there are downloaders.
  CHECK(curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK, "curl_global_init failed");
  handle_ = std::make_unique<Handle>();
  expect_memory(handle_->curl != nullptr);
}

Downloader::~Downloader() {
  handle_.reset();
  curl_global_cleanup();
}

Result<DownloadHead> Downloader::get(const DownloadRequest& request, const DownloadSink& sink) {
  const Url first = TRY(parse_url(request.url));
  Url url = first;
  DownloadHead head;
  CURL* curl = handle_->curl.get();
  for (int hops = 0; hops <= kHopsMax; ++hops) {
    for (const char* of_body : {"content-length", "content-range", "etag", "location"})
      head.fields.erase(of_body);
    Hop hop{.head = head, .sink = sink, .stop = request.stop, .curl = curl};
    std::vector<std::string> lines;
    if (!request.token.empty() && is_same_origin(first, url))
      lines.push_back("Authorization: Bearer " + request.token);
    if (request.from > 0) lines.push_back(fmt::format("Range: bytes={}-", request.from));
    const CurlList fields = list_of(lines);
    const std::string text = url.text();
    curl_easy_reset(curl);  // keeps the connections
    set(curl, CURLOPT_URL, text.c_str());
    set(curl, CURLOPT_PROTOCOLS_STR, url.https ? "https" : "http");
    set(curl, CURLOPT_HTTPHEADER, fields.get());
    set(curl, CURLOPT_FOLLOWLOCATION, 0L);
    set(curl, CURLOPT_HTTP09_ALLOWED, 0L);
    set(curl, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
    set(curl, CURLOPT_NOSIGNAL, 1L);
    set(curl, CURLOPT_CONNECTTIMEOUT, kConnectSeconds);
    set(curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
    set(curl, CURLOPT_LOW_SPEED_TIME, kSilentSeconds);
    set(curl, CURLOPT_USERAGENT, "imagined");
    set(curl, CURLOPT_HEADERFUNCTION, take_field);
    set(curl, CURLOPT_HEADERDATA, &hop);
    set(curl, CURLOPT_WRITEFUNCTION, take_piece);
    set(curl, CURLOPT_WRITEDATA, &hop);
    set(curl, CURLOPT_NOPROGRESS, 0L);
    set(curl, CURLOPT_XFERINFOFUNCTION, look_for_stop);
    set(curl, CURLOPT_XFERINFODATA, &hop);
    const CURLcode code = curl_easy_perform(curl);
    if (hop.error) return tl::unexpected(std::move(*hop.error));
    if (request.stop.stop_requested()) return fail(ErrorCode::cancelled, "interrupted");
    if (code != CURLE_OK) {
      return fail(ErrorCode::unavailable,
                  fmt::format("{}: {}", url.host, curl_easy_strerror(code)));
    }
    long status = 0;
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    head.status = static_cast<int>(status);
    const std::string_view location = head.field("location");
    if (!leads_on(head.status) || location.empty()) {
      if (has_body_for_us(head.status) && !hop.begun) TRY(sink.begin(head));  // of no bytes
      return head;
    }
    Url next = TRY(parse_redirect(url, location));
    if (url.https && !next.https) {
      return fail(ErrorCode::permission_denied,
                  fmt::format("{} leads from https to http, to {}", url.host, next.host));
    }
    url = std::move(next);
  }
  return fail(ErrorCode::unavailable,
              fmt::format("{} leads on more than {} times", first.host, kHopsMax));
}

}  // namespace imagined::net
