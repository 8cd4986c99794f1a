#include "api/call/taking.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "service/pictures/offered.h"

namespace imagined::api {
namespace {

class Taking {
 public:
  Taking(const CallContext& context, const Call& call, const OwnNames& names)
      : context_(context), call_(call), names_(names) {}

  Result<service::EditRequest> take(const wire::EditCall& wanted) const {
    TRY(check_number(context_, wanted));
    service::EditRequest request{.pictures = wanted.fields.request, .references = {}, .mask = {}};
    for (const wire::GivenPicture& given : wanted.references)
      request.references.push_back(
          TRY(picture_of(given, service::reference_name(request.references.size()))));
    if (wanted.mask) request.mask = TRY(picture_of(*wanted.mask, service::kMaskName));
    return request;
  }

  Result<service::VideoRequest> take(const wire::VideoCall& wanted) const {
    service::VideoRequest request = wanted.request;
    if (wanted.image) request.image = TRY(given_as(*wanted.image, "image"));
    if (wanted.video) request.video = TRY(given_as(*wanted.video, "video"));
    return request;
  }

 private:
  Result<std::string> picture_of(const wire::GivenPicture& given, std::string_view name) const {
    auto blob = blob_of(given, service::kFetchBytesMax);
    if (!blob) return tl::unexpected(service::about_picture(std::move(blob.error()), name));
    return blob;
  }

  Result<std::string> given_as(const wire::GivenPicture& given, std::string_view field) const {
    auto blob =
        blob_of(given, field == "video" ? service::kUploadBytesMax : service::kFetchBytesMax);
    if (!blob) return tl::unexpected(service::about_given(std::move(blob.error()), field));
    return blob;
  }

  Result<std::string> blob_of(const wire::GivenPicture& given, std::size_t bytes_max) const {
    if (!given.upload.empty()) return given.upload;
    service::Intake& intake = context_.services.intake;
    const auto own = own_target(given.url, names_);
    return !given.picture_id.empty() ? intake.take(*call_.caller, given.picture_id)
           : !given.file_id.empty()  ? intake.take_file(*call_.caller, given.file_id)
           : own                     ? take_own(*own)
                                     : intake.fetch(*call_.caller, given.url, deadline_, bytes_max);
  }

  /// Never over the network, where the request would come back to us.
  Result<std::string> take_own(std::string_view target) const {
    target = target.substr(0, target.find('#'));
    const auto path = target.substr(0, target.find('?'));
    const auto query = target.substr(std::min(path.size() + 1, target.size()));
    if (const auto name = service::public_name_in(path))
      return context_.services.intake.take_public(*call_.caller, *name);
    const auto linked = context_.services.links.open(path, query);
    if (!linked)
      return fail(ErrorCode::invalid_argument,
                  "the URL is one of this server's own, and " + linked.error().message, "image");
    return context_.services.intake.take(*call_.caller, *linked);
  }

  const CallContext& context_;
  const Call& call_;
  const OwnNames& names_;
  const std::chrono::steady_clock::time_point deadline_ =
      std::chrono::steady_clock::now() + service::kFetchTime;
};

}  // namespace

Result<void> check_number(const CallContext& context, const wire::EditCall& wanted) {
  if (wanted.references.size() <= service::kReferencesMax) return {};
  const service::Model* model =
      TRY(context.services.catalogue.resolve(wanted.fields.request.model));
  const auto report = context.services.workers.report(model->id);
  return service::check_reference_count(
      wanted.references.size(), *model,
      report && report->abilities ? &*report->abilities : nullptr);
}

Result<service::EditRequest> take_pictures(const CallContext& context, const Call& call,
                                           const wire::EditCall& wanted, const OwnNames& names) {
  return Taking(context, call, names).take(wanted);
}

Result<service::VideoRequest> take_given(const CallContext& context, const Call& call,
                                         const wire::VideoCall& wanted, const OwnNames& names) {
  return Taking(context, call, names).take(wanted);
}

}  // namespace imagined::api
