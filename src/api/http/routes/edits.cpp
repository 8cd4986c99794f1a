// POST /v1/images/edits: given pictures go to blobs while the body arrives.
#include <algorithm>
#include <chrono>
#include <utility>

#include "api/http/door.h"
#include "api/http/picture_reply.h"
#include "api/http/routes.h"
#include "api/http/upload.h"
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

/// The blobs of the pictures that a call gives; those behind URLs are fetched.
class Taking {
 public:
  Taking(const Context& context, const Exchange& exchange)
      : context_(context), exchange_(exchange) {}

  Result<service::EditRequest> take(const wire::EditCall& call) const {
    service::EditRequest request{.pictures = call.fields.request, .references = {}, .mask = {}};
    for (const wire::GivenPicture& given : call.references)
      request.references.push_back(
          TRY(blob_of(given, service::reference_name(request.references.size()))));
    if (call.mask) request.mask = TRY(blob_of(*call.mask, service::kMaskName));
    return request;
  }

 private:
  Result<std::string> blob_of(const wire::GivenPicture& given, std::string_view name) const {
    if (!given.upload.empty()) return given.upload;
    service::Intake& intake = context_.services.intake;
    const auto own = own_target(given.url, context_.options, exchange_);
    auto blob = !given.file_id.empty() ? intake.take_file(*exchange_.caller, given.file_id)
                : own                  ? take_own(*own)
                                       : intake.fetch(*exchange_.caller, given.url, deadline_);
    if (!blob) return tl::unexpected(service::about_picture(std::move(blob.error()), name));
    return blob;
  }

  /// Never over the network, where the request would come back to us.
  Result<std::string> take_own(std::string_view target) const {
    target = target.substr(0, target.find('#'));
    const auto path = target.substr(0, target.find('?'));
    const auto query = target.substr(std::min(path.size() + 1, target.size()));
    const auto linked = context_.services.links.open(path, query);
    if (!linked)
      return fail(ErrorCode::invalid_argument,
                  "the URL is one of this server's own, and " + linked.error().message, "image");
    return context_.services.intake.take(*exchange_.caller, *linked);
  }

  const Context& context_;
  const Exchange& exchange_;
  const std::chrono::steady_clock::time_point deadline_ =
      std::chrono::steady_clock::now() + service::kFetchTime;
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
  auto request =
      co_await on_pool(context.fetch_pool, [&] { return Taking(context, exchange).take(*call); });
  if (!request) co_return tl::unexpected(std::move(request.error()));
  settle_deferral(*asking, call->fields);
  const auto order = co_await on_pool(context.pool, [&] {
    return context.services.images.submit(*exchange.caller, *request, *asking);
  });
  if (!order) co_return tl::unexpected(order.error());
  co_return co_await reply_with_pictures(context, exchange, *order, *asking, call->fields);
}

}  // namespace imagined::api
