// Any bytes as the head of a request: refused with a status, or a request without surprises.
#include <cstdint>
#include <string_view>

#include "api/http/head.h"
#include "base/check.h"

using namespace imagined::api;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size_bytes) {
  const std::string_view text(reinterpret_cast<const char*>(data), size_bytes);
  Head head;
  if (const auto failure = parse_head(text, Limits{}, head)) {
    CHECK(failure->status >= 400 && failure->status < 600, "refused with {}", failure->status);
    return 0;
  }
  CHECK(!(head.chunked && head.content_length > 0), "a body with two lengths");
  CHECK(!head.request.path.empty(), "a request for nothing");
  for (const Header& field : head.request.headers.all()) {
    CHECK(field.value.find_first_of(std::string_view("\r\n\0", 3)) == std::string::npos,
          "a line break inside {}", field.name);
  }
  (void)percent_decode(head.request.path);
  return 0;
}
