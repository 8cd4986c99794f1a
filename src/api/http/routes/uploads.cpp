// /v1/files: what customers keep here for their requests to name.
#include <utility>

#include "api/call/upload.h"
#include "api/http/routes.h"
#include "api/wire/file_replies.h"
#include "api/wire/file_upload.h"
#include "service/pictures/edit_request.h"

namespace imagined::api {
namespace {

/// The body of an upload, on a thread of the pool.
class FileSink final : public BodySink {
 public:
  FileSink(const Services& services, const service::Caller& caller, std::string_view content_type)
      : upload_([&services, &caller] { return services.files.begin(caller); }),
        body_(wire::make_file_body(content_type, upload_)) {}

  Result<void> take(std::string_view bytes) override {
    if (!body_) return tl::unexpected(body_.error());
    return (*body_)->feed(bytes);
  }
  Result<void> finish() override {
    if (!body_) return tl::unexpected(body_.error());
    file_ = TRY((*body_)->finish());
    return {};
  }

  const Result<service::NewFile>& file() const { return file_; }

 private:
  Upload upload_;
  Result<std::unique_ptr<wire::FileBody>> body_;
  Result<service::NewFile> file_ = fail(ErrorCode::invalid_argument, "the request has no body");
};

/// The reply to a verb, on a thread of the pool.
template <class Verb>
Async<Result<Response>> reply_with(const Context& context, Verb verb) {
  auto body = co_await on_pool(context.pool, verb);
  if (!body) co_return tl::unexpected(std::move(body.error()));
  co_return json_reply(std::move(*body));
}

}  // namespace

std::unique_ptr<BodySink> take_file(const Context& context, Exchange& exchange) {
  return std::make_unique<FileSink>(context.services, *exchange.caller,
                                    exchange.request.headers.find("content-type"));
}

Async<Result<Response>> create_file(const Context& context, Exchange& exchange) {
  co_return co_await reply_with(context, [&]() -> Result<std::string> {
    const auto file = TRY(static_cast<const FileSink&>(*exchange.sink).file());
    return wire::file_body(TRY(context.services.files.add(*exchange.caller, file)));
  });
}

Async<Result<Response>> list_files(const Context& context, Exchange& exchange) {
  co_return co_await reply_with(context, [&]() -> Result<std::string> {
    const auto wish = TRY(wire::parse_file_page(exchange.request.query));
    return wire::files_body(TRY(context.services.files.list(*exchange.caller, wish)), wish.count);
  });
}

Async<Result<Response>> show_file(const Context& context, Exchange& exchange) {
  co_return co_await reply_with(context, [&]() -> Result<std::string> {
    return wire::file_body(
        TRY(context.services.files.find(*exchange.caller, exchange.params["id"])));
  });
}

Async<Result<Response>> delete_file(const Context& context, Exchange& exchange) {
  co_return co_await reply_with(context, [&]() -> Result<std::string> {
    const std::string& id = exchange.params["id"];
    TRY(context.services.files.remove(*exchange.caller, id));
    return wire::deleted_file_body(id);
  });
}

Async<Result<Response>> send_file(const Context& context, Exchange& exchange) {
  auto held = co_await context.budget.take(service::kUploadBytesMax, context.limits.held_wait,
                                           exchange.client_gone);
  if (!held) co_return fail(ErrorCode::unavailable, kTooManyReplies);
  auto bytes = co_await on_pool(context.pool, [&] {
    return context.services.files.content(*exchange.caller, exchange.params["id"]);
  });
  if (!bytes) co_return tl::unexpected(std::move(bytes.error()));
  held->shrink(bytes->size());
  Response response{.held = std::move(*held)};
  response.body = std::make_shared<const std::vector<std::uint8_t>>(std::move(*bytes));
  response.headers.add("content-type", "application/octet-stream");
  response.headers.add("x-content-type-options", "nosniff");
  co_return response;
}

}  // namespace imagined::api
