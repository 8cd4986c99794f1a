#include "api/call/storage.h"

namespace imagined::api {

Result<void> check_storage(const CallContext& context, const Call& call,
                           const service::FileWish& wish) {
  auto wanted = context.services.files.check(*call.caller, wish);
  if (!wanted && wanted.error().code == ErrorCode::invalid_argument) {
    wanted.error().message = "storage_options: " + wanted.error().message;
    wanted.error().field = "storage_options";
  }
  return wanted;
}

Result<service::StoredFile> keep_as_file(const CallContext& context, const Call& call,
                                         const service::FileWish& wish,
                                         const service::StoredPicture& picture, int picture_count) {
  return context.services.files.add(
      *call.caller, {.name = service::numbered_name(wish.name, picture.index, picture_count),
                     .blob = picture.blob,
                     .size_bytes = picture.size_bytes,
                     .life_s = wish.life_s});
}

}  // namespace imagined::api
