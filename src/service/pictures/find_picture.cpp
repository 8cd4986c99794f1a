#include "service/pictures/find_picture.h"

#include <fmt/format.h>

#include "base/utf8.h"

namespace imagined::service {

tl::unexpected<Error> no_such_picture(std::string_view picture_id) {
  return fail(ErrorCode::not_found,
              fmt::format("there is no picture {:?}", valid_utf8(picture_id.substr(0, 60))));
}

Result<StoredPicture> find_picture(Archive& archive, std::string_view picture_id) {
  auto picture = archive.find_picture(picture_id);
  if (!picture && picture.error().code == ErrorCode::not_found) return no_such_picture(picture_id);
  return picture;
}

}  // namespace imagined::service
