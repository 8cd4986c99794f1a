#pragma once

#include "api/call/door.h"
#include "api/http/message.h"

namespace imagined::api {

/// How a request is asked, by the headers of HTTP and of OpenAI's SDKs (door.h).
Result<service::Asking> read_asking(const Headers& headers);

}  // namespace imagined::api
