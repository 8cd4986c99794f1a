#include "api/grpc/file_output.h"

#include <xai/api/v1/image.pb.h>

#include "api/grpc/times.h"
#include "service/links/links.h"

namespace imagined::api {

void fill_file_output(const service::StoredFile& file, std::string_view base,
                      xai_api::FileOutput& out) {
  out.set_file_id(file.id);
  out.set_filename(file.name);
  if (file.expires_ms != 0) set_time(file.expires_ms, *out.mutable_expires_at());
  if (file.public_name.empty()) return;
  out.set_public_url(service::public_url_of(file, base));
  if (file.public_until_ms != 0)
    set_time(file.public_until_ms, *out.mutable_public_url_expires_at());
}

}  // namespace imagined::api
