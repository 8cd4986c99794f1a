// Any text as a URL, or as a redirect: what is accepted reads the same when it is written out, and
// the host that libcurl gets holds nothing but a name or an address.
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "net/url.h"

using namespace imagined;

namespace {

void check(const Result<net::Url>& url) {
  if (!url) return;
  CHECK(url->host.find_first_of("/?#@\\% \t\r\n") == std::string::npos, "host {}", url->host);
  CHECK(url->port != 0 && url->target.starts_with('/'), "port {}", url->port);
  const auto again = net::parse_url(url->text());
  // A host in brackets and a port make the text longer than what was read.
  CHECK(again || url->text().size() > net::kUrlBytesMax, "{} is refused", url->text());
  CHECK(!again || again->text() == url->text(), "{} became {}", url->text(), again->text());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size_bytes) {
  const std::string_view text(reinterpret_cast<const char*>(data), size_bytes);
  static const net::Url base = *net::parse_url("https://a.example/x/y?z");
  check(net::parse_url(text));
  check(net::parse_redirect(base, text));
  return 0;
}
