// POST /v1/images/edits: given pictures go to blobs while the body arrives.
#include <utility>

#include "api/call/door.h"
#include "api/call/taking.h"
#include "api/call/upload.h"
#include "api/http/asking.h"
#include "api/http/picture_reply.h"
#include "api/http/routes.h"
#include "api/wire/edit_request.h"

namespace imagined::api {
namespace {

/// The body of an edit, on a thread of the pool.
class EditSink final : public BodySink {
 public:
  EditSink(const Services& services, const service::Caller& caller, std::string_view content_type)
      : services_(services),
        upload_([&services, &caller] { return services.intake.begin(caller); }),
        body_(open(content_type)) {}

  Result<void> take(std::string_view bytes) override {
    if (!body_) return tl::unexpected(body_.error());
    return (*body_)->feed(bytes);
  }

  Result<void> finish() override {
    if (!body_) return tl::unexpected(body_.error());
    call_ = (*body_)->finish(services_.catalogue);
    return {};
  }

  /// What was asked for, or what is wrong with it.
  const Result<wire::EditCall>& call() const { return call_; }

 private:
  Result<std::unique_ptr<wire::EditBody>> open(std::string_view content_type) {
    constexpr std::string_view kMultipart = "multipart/";
    if (equal_ignoring_case(content_type.substr(0, kMultipart.size()), kMultipart))
      return wire::make_multipart_edit(content_type, upload_);
    return wire::make_json_edit(upload_);
  }

  const Services& services_;
  Upload upload_;
  Result<std::unique_ptr<wire::EditBody>> body_;
  Result<wire::EditCall> call_ = fail(ErrorCode::invalid_argument, "the request has no body");
};

}  // namespace

std::unique_ptr<BodySink> take_edit(const Context& context, Exchange& exchange) {
  return std::make_unique<EditSink>(context.services, *exchange.caller,
                                    exchange.request.headers.find("content-type"));
}

Async<Result<Response>> edit_images(const Context& context, Exchange& exchange) {
  const Result<wire::EditCall>& call = static_cast<const EditSink&>(*exchange.sink).call();
  auto asking = read_asking(exchange.request.headers);
  if (!asking) co_return tl::unexpected(asking.error());
  // As create_images does.
  const std::string_view model = call ? call->fields.request.model : std::string_view();
  if (auto in = co_await pass_the_door(context, exchange, model); !in) {
    co_return tl::unexpected(std::move(in.error()));
  }
  if (!call) co_return tl::unexpected(call.error());
  exchange.ordered = call->fields.request.count;
  if (auto settled = settle(context, exchange, call->fields, *asking); !settled)
    co_return tl::unexpected(std::move(settled.error()));
  const OwnNames names = own_names(context.options, exchange);
  auto request = co_await on_pool(context.fetch_pool,
                                  [&] { return take_pictures(context, exchange, *call, names); });
  if (!request) co_return tl::unexpected(std::move(request.error()));
  const auto order = co_await on_pool(context.pool, [&] {
    return context.services.images.submit(*exchange.caller, *request, *asking);
  });
  if (!order) co_return tl::unexpected(order.error());
  co_return co_await reply_with_pictures(context, exchange, *order, *asking, call->fields);
}

}  // namespace imagined::api
