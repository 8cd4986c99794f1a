// Any bytes as the body of POST /v1/chat/completions or /v1/responses, of a model that makes
// pictures or one of another server with our tools: an error that may be shown, or what is asked in
// words of JSON.
#include <cstdint>
#include <string_view>

#include "api/wire/errors.h"
#include "api/wire/responses_as_chat.h"
#include "api/wire/tool_talk.h"
#include "base/check.h"

using namespace imagined;
using api::wire::ChatApi;
using api::wire::ToolTalk;

namespace {

void check_error(const Error& error) {
  CHECK(!api::wire::error_body(error, "id", {}).empty(), "an error without a body");
  const int status = api::wire::error_row(error.code).status;
  CHECK(status == 400 || status == 404 || status == 422, "refused with {}", status);
}

void check_talk(const Result<ToolTalk>& talk) {
  if (!talk) return check_error(talk.error());
  for (const bool last : {false, true})
    CHECK(talk->body(last).starts_with('{'), "a body that is no object");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size_bytes) {
  static const service::Catalogue catalogue =
      *service::Catalogue::make({{.id = "grok-imagine-image", .path = "x"}}, {});
  const std::string_view body(reinterpret_cast<const char*>(data), size_bytes);
  for (const ChatApi api : {ChatApi::completions, ChatApi::responses}) {
    const auto said = api::wire::parse_conversation(body, api, catalogue);
    if (!said) check_error(said.error());
    check_talk(ToolTalk::parse(
        body, api, api::wire::PictureMaker{.catalogue = catalogue, .model = "grok-imagine-image"}));
  }
  const auto chat = api::wire::responses_as_chat(body);
  if (!chat) {
    check_error(chat.error());
    return 0;
  }
  check_talk(ToolTalk::parse(*chat, ChatApi::completions, std::nullopt));
  return 0;
}
