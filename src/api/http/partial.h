// A file, the part of it that was asked for, or nothing where the client has it already (RFC 9110,
// sections 13 and 14).
#pragma once

#include "api/http/message.h"
#include "api/http/reply.h"

namespace imagined::api {

/// Makes of a 200 with the whole file, whose etag is set, what the request's fields ask for:
///   304  `If-None-Match` names the file
///   206  one range of bytes, unless `If-Range` names another file
///   416  a range behind the end
/// Several ranges and units other than bytes are answered with the whole.
void answer_conditions(const Request& request, Response& whole);

}  // namespace imagined::api
