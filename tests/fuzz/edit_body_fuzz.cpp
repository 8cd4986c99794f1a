// Any bytes as the body of POST /v1/images/edits, as JSON and as a form: the same call or the same
// error however the bytes are cut on the way, within every limit, and no upload that is left open.
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "api/wire/edit_request.h"
#include "api/wire/errors.h"
#include "base/check.h"

using namespace imagined;
using namespace imagined::api::wire;

namespace {

class Shelf final : public UploadSink {
 public:
  Result<void> begin() override {
    CHECK(!open_, "an upload within an upload");
    open_ = true;
    uploads_.emplace_back();
    return {};
  }
  Result<void> upload(std::string_view bytes) override {
    CHECK(open_, "bytes of no upload");
    uploads_.back() += bytes;
    return {};
  }
  Result<std::string> end() override {
    CHECK(open_, "the end of no upload");
    open_ = false;
    return uploads_.back();  // its name, so that calls are compared with all bytes
  }

 private:
  bool open_ = false;
  std::vector<std::string> uploads_;
};

struct Outcome {
  std::string error;
  std::vector<GivenPicture> references;
  std::string prompt;
  bool operator==(const Outcome&) const = default;
};

Result<EditCall> call_of(EditBody& body, std::string_view bytes, std::size_t step) {
  static const service::Catalogue catalogue =
      *service::Catalogue::make({{.id = "grok-imagine-image", .path = "x"}}, {});
  for (std::size_t at = 0; at < bytes.size(); at += step) TRY(body.feed(bytes.substr(at, step)));
  return body.finish(catalogue);
}

Outcome read(EditBody& body, std::string_view bytes, std::size_t step) {
  const auto call = call_of(body, bytes, step);
  if (!call) {
    CHECK(!error_body(call.error(), "id", {}).empty(), "an error without a body");
    return {.error = call.error().message};
  }
  const auto count = call->references.size();
  CHECK(count >= 1, "no references");
  return {.references = call->references,
          .prompt = std::string(call->fields.request.prompt.text())};
}

Outcome read_json(std::string_view bytes, std::size_t step) {
  Shelf shelf;
  return read(*make_json_edit(shelf), bytes, step);
}

Outcome read_form(std::string_view bytes, std::size_t step) {
  Shelf shelf;
  const auto body = make_multipart_edit("multipart/form-data; boundary=b", shelf);
  CHECK(body, "no body of a form");
  return read(**body, bytes, step);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size_bytes) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size_bytes);
  for (const auto& read_as : {read_json, read_form}) {
    const Outcome whole = read_as(bytes, bytes.size() + 1);
    for (const std::size_t step : {1u, 5u, 11u})
      CHECK(read_as(bytes, step) == whole, "another call in pieces of {}", step);
  }
  return 0;
}
