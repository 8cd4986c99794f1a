// A conversation of gRPC in the words of POST /v1/chat/completions, which are read everywhere.
#pragma once

#include <string>

#include "base/result.h"

namespace xai_api {
class GetCompletionsRequest;
}

namespace imagined::api {

/// The body of the same request; `invalid_argument` or `unimplemented`, naming the field, for what
/// cannot be said there or is not offered. `model`: its name, where the request has none.
Result<std::string> completion_body(const xai_api::GetCompletionsRequest& request,
                                    const std::string& model);

}  // namespace imagined::api
