// /v1/files: what customers keep here for their requests to name.
#include <algorithm>
#include <iterator>
#include <utility>

#include "api/call/upload.h"
#include "api/http/partial.h"
#include "api/http/routes.h"
#include "api/wire/file_replies.h"
#include "api/wire/file_upload.h"
#include "base/text.h"
#include "service/pictures/edit_request.h"

namespace imagined::api {
namespace {

constexpr std::string_view kAnyBytes = "application/octet-stream";

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

/// By the ends of names: of what everybody may fetch nothing but a picture or a film is shown by a
/// browser, whatever its bytes could be taken for.
std::string_view public_type(std::string_view name) {
  struct Row {
    std::string_view end;
    std::string_view type;
  };
  constexpr Row kShown[] = {{".jpg", "image/jpeg"}, {".jpeg", "image/jpeg"},
                            {".png", "image/png"},  {".webp", "image/webp"},
                            {".gif", "image/gif"},  {".mp4", "video/mp4"}};
  const auto ends_with = [&](const Row& row) {
    return name.size() >= row.end.size() &&
           equal_ignoring_case(name.substr(name.size() - row.end.size()), row.end);
  };
  const auto* row = std::ranges::find_if(kShown, ends_with);
  return row == std::end(kShown) ? kAnyBytes : row->type;
}

}  // namespace

std::unique_ptr<BodySink> take_file(const Context& context, Exchange& exchange) {
  return std::make_unique<FileSink>(context.services, *exchange.caller,
                                    exchange.request.headers.find("content-type"));
}

Async<Result<Response>> create_file(const Context& context, Exchange& exchange) {
  co_return co_await reply_with(context, [&]() -> Result<std::string> {
    const auto file = TRY(static_cast<const FileSink&>(*exchange.sink).file());
    return wire::file_body(TRY(context.services.files.add(*exchange.caller, file)),
                           base_url(context.options, exchange));
  });
}

Async<Result<Response>> list_files(const Context& context, Exchange& exchange) {
  co_return co_await reply_with(context, [&]() -> Result<std::string> {
    const auto wish = TRY(wire::parse_file_page(exchange.request.query));
    return wire::files_body(TRY(context.services.files.list(*exchange.caller, wish)), wish.count,
                            base_url(context.options, exchange));
  });
}

Async<Result<Response>> show_file(const Context& context, Exchange& exchange) {
  co_return co_await reply_with(context, [&]() -> Result<std::string> {
    return wire::file_body(
        TRY(context.services.files.find(*exchange.caller, exchange.params["id"])),
        base_url(context.options, exchange));
  });
}

Async<Result<Response>> delete_file(const Context& context, Exchange& exchange) {
  co_return co_await reply_with(context, [&]() -> Result<std::string> {
    const std::string& id = exchange.params["id"];
    TRY(context.services.files.remove(*exchange.caller, id));
    return wire::deleted_file_body(id);
  });
}

Async<Result<Response>> publish_file(const Context& context, Exchange& exchange) {
  co_return co_await reply_with(context, [&]() -> Result<std::string> {
    const auto wish = TRY(wire::parse_public_wish(exchange.request.body));
    return wire::public_url_body(
        TRY(context.services.files.publish(*exchange.caller, exchange.params["id"], wish)),
        base_url(context.options, exchange));
  });
}

Async<Result<Response>> revoke_file(const Context& context, Exchange& exchange) {
  co_return co_await reply_with(context, [&]() -> Result<std::string> {
    return wire::revoked_body(
        TRY(context.services.files.revoke(*exchange.caller, exchange.params["id"])),
        base_url(context.options, exchange));
  });
}

namespace {

struct FileBytes {
  std::string name;
  std::vector<std::uint8_t> bytes;
};

/// `read` gives the file's name and bytes, on a thread of the pool.
template <class Read>
Async<Result<Response>> reply_with_bytes(const Context& context, const Exchange& exchange,
                                         Read read) {
  auto held = co_await context.budget.take(service::kUploadBytesMax, context.limits.held_wait,
                                           exchange.client_gone);
  if (!held) co_return fail(ErrorCode::unavailable, kTooManyReplies);
  Result<FileBytes> file = co_await on_pool(context.pool, read);
  if (!file) co_return tl::unexpected(std::move(file.error()));
  held->shrink(file->bytes.size());
  Response response{.held = std::move(*held)};
  response.body = std::make_shared<const std::vector<std::uint8_t>>(std::move(file->bytes));
  response.headers.add("content-type", std::string(public_type(file->name)));
  response.headers.add("x-content-type-options", "nosniff");
  co_return response;
}

}  // namespace

Async<Result<Response>> send_file(const Context& context, Exchange& exchange) {
  co_return co_await reply_with_bytes(context, exchange, [&]() -> Result<FileBytes> {
    return FileBytes{
        .name = {},
        .bytes = TRY(context.services.files.content(*exchange.caller, exchange.params["id"]))};
  });
}

Async<Result<Response>> send_public_file(const Context& context, Exchange& exchange) {
  auto reply = co_await reply_with_bytes(context, exchange, [&]() -> Result<FileBytes> {
    service::FileService& files = context.services.files;
    auto file = TRY(files.find_public(exchange.params["name"]));
    return FileBytes{.name = std::move(file.name), .bytes = TRY(files.content(file))};
  });
  if (!reply) co_return reply;
  reply->headers.add("cache-control", "no-cache");  // it may be revoked
  reply->headers.add("content-security-policy", "default-src 'none'; sandbox");
  reply->headers.add("cross-origin-resource-policy", "cross-origin");
  answer_conditions(exchange.request, *reply);
  co_return reply;
}

}  // namespace imagined::api
