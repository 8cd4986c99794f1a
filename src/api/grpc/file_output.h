// A file that something made here has become, as every reply tells of it.
#pragma once

#include <string_view>

#include "service/files/file.h"

namespace xai_api {
class FileOutput;
}

namespace imagined::api {

/// `base`: the URL before `/v1` in the address of a public file.
void fill_file_output(const service::StoredFile& file, std::string_view base,
                      xai_api::FileOutput& out);

}  // namespace imagined::api
