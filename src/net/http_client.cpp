#include "net/http_client.h"

#include "base/check.h"
#include "net/curl.h"

namespace imagined::net {
namespace {

constexpr std::size_t kIdleMax = 8;

struct Answering {
  std::string body;
  std::size_t bytes_max;
};

std::size_t take_answer(char* bytes, std::size_t, std::size_t count, void* context) {
  auto& answering = *static_cast<Answering*>(context);
  if (count > answering.bytes_max - answering.body.size()) return 0;
  answering.body.append(bytes, count);
  return count;
}

}  // namespace

/// An idle handle, or a new one; idle again at its end.
class HttpClient::Handle {
 public:
  explicit Handle(HttpClient& client) : client_(client) {
    const std::lock_guard lock(client_.mutex_);
    if (client_.idle_.empty()) {
      curl_ = curl_easy_init();
    } else {
      curl_ = client_.idle_.back();
      client_.idle_.pop_back();
    }
  }
  ~Handle() {
    if (curl_ == nullptr) return;
    curl_easy_reset(curl_);  // keeps the connections
    const std::lock_guard lock(client_.mutex_);
    if (client_.idle_.size() < kIdleMax) {
      client_.idle_.push_back(curl_);
    } else {
      curl_easy_cleanup(curl_);
    }
  }
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;

  CURL* get() const { return curl_; }

 private:
  HttpClient& client_;
  CURL* curl_ = nullptr;
};

HttpClient::HttpClient(std::string ca_file) : ca_file_(std::move(ca_file)) {
  // Counted by the library: as many calls as there are clients.
  CHECK(curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK, "curl_global_init failed");
  idle_.reserve(kIdleMax);
}

HttpClient::~HttpClient() {
  for (void* curl : idle_) curl_easy_cleanup(curl);
  curl_global_cleanup();
}

Result<HttpAnswer> HttpClient::post(const HttpPost& request) {
  const Handle handle(*this);
  CURL* curl = handle.get();
  if (curl == nullptr) return fail(ErrorCode::resource_exhausted, "no memory for a request");
  const CurlList headers = list_of(request.headers);
  Answering answering{.bytes_max = request.answer_bytes_max};
  set(curl, CURLOPT_URL, request.url.c_str());
  set(curl, CURLOPT_PROTOCOLS_STR, "http,https");
  set(curl, CURLOPT_HTTPHEADER, headers.get());
  set(curl, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
  set(curl, CURLOPT_POSTFIELDS, request.body.data());
  // Nothing coded is asked for; what comes so all the same is decoded.
  set(curl, CURLOPT_ACCEPT_ENCODING, "identity");
  set(curl, CURLOPT_PROXY, "");
  set(curl, CURLOPT_FOLLOWLOCATION, 0L);
  set(curl, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  if (!ca_file_.empty()) set(curl, CURLOPT_CAINFO, ca_file_.c_str());
  set(curl, CURLOPT_NOSIGNAL, 1L);
  set(curl, CURLOPT_TIMEOUT_MS, static_cast<long>(request.timeout.count()));
  set(curl, CURLOPT_USERAGENT, "imagined");
  set(curl, CURLOPT_WRITEFUNCTION, take_answer);
  set(curl, CURLOPT_WRITEDATA, &answering);
  const CURLcode code = curl_easy_perform(curl);
  if (code != CURLE_OK)
    return fail(ErrorCode::unavailable, "the service gave no answer", {}, curl_easy_strerror(code));
  long status = 0;
  curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
  return HttpAnswer{.status = static_cast<int>(status), .body = std::move(answering.body)};
}

}  // namespace imagined::net
