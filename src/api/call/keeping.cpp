#include "api/call/keeping.h"

#include <utility>

#include "api/wire/errors.h"

namespace imagined::api {

Result<void> check_storage(const CallContext& context, const Call& call,
                           const service::FileWish& wish) {
  auto wanted = context.services.files.check(*call.caller, wish);
  if (!wanted && wanted.error().code == ErrorCode::invalid_argument)
    return tl::unexpected(wire::within("storage_options", std::move(wanted.error())));
  return wanted;
}

Result<service::StoredFile> keep_as_file(const CallContext& context, const Call& call,
                                         const service::FileWish& wish,
                                         const service::FinishedPictures& finished,
                                         const service::StoredPicture& picture) {
  const auto count = static_cast<int>(finished.pictures.size());
  return context.services.files.add(
      *call.caller, {.name = service::numbered_name(wish.name, picture.index, count),
                     .blob = picture.blob,
                     .size_bytes = picture.size_bytes,
                     .life_s = wish.life_s,
                     .for_everybody = wish.for_everybody,
                     .order_id = finished.order_id,
                     .picture_id = picture.id});
}

}  // namespace imagined::api
