// What a job asks for, one alternative per kind of job. How it is written down is the business of
// storage/codec.
#pragma once

#include <variant>

#include "service/jobs/job.h"
#include "service/pictures/picture_request.h"

namespace imagined::service {

using JobPayload = std::variant<PictureRequest>;

/// In the order of the alternatives.
inline JobKind kind_of(const JobPayload& payload) { return static_cast<JobKind>(payload.index()); }

}  // namespace imagined::service
