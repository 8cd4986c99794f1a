#include "service/pictures/remove_picture.h"

#include <algorithm>
#include <string>

#include "service/pictures/find_picture.h"

namespace imagined::service {

Result<void> remove_picture(Archive& archive, BlobStore& blobs, const Clock& clock,
                            std::string_view picture_id) {
  const std::string blob = TRY(find_picture(archive, picture_id)).blob;
  TRY(archive.remove_picture(picture_id));
  // Asked before it is known to be an orphan: a job that is claimed later puts its bytes later too,
  // and the store keeps what is put anew.
  const std::int64_t before_ms = std::min(clock.unix_ms(), TRY(archive.running_since_ms()));
  for (const std::string& orphan : TRY(archive.orphans({&blob, 1})))
    TRY(blobs.remove(orphan, before_ms));
  return {};
}

}  // namespace imagined::service
