// Any bytes as the body of POST /v1/images/generations: an error that may be shown, or a request
// within every limit.
#include <cstdint>
#include <string_view>

#include "api/wire/errors.h"
#include "api/wire/image_request.h"
#include "base/check.h"

using namespace imagined;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size_bytes) {
  static const service::Catalogue catalogue =
      *service::Catalogue::make({{.id = "grok-imagine-image", .path = "x"}}, {});
  const std::string_view body(reinterpret_cast<const char*>(data), size_bytes);
  const auto call = api::wire::parse_generation_call(body, catalogue);
  if (!call) {
    CHECK(!api::wire::error_body(call.error(), "id", {}).empty(), "an error without a body");
    const int status = api::wire::error_row(call.error().code).status;
    CHECK(status == 400 || status == 404 || status == 422, "refused with {}", status);
    return 0;
  }
  CHECK(call->request.count >= 1 && call->request.count <= service::kPictureCountMax, "{} pictures",
        call->request.count);
  CHECK(!call->request.prompt.text().empty(), "a request without a prompt");
  return 0;
}
