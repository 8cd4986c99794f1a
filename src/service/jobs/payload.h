// What a job asks for, one alternative per kind of job. How it is written down is the business of
// storage/codec.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "service/jobs/job.h"
#include "service/pictures/edit_request.h"
#include "service/pictures/picture_request.h"

namespace imagined::service {

using JobPayload = std::variant<PictureRequest, EditRequest>;

/// In the order of the alternatives.
inline JobKind kind_of(const JobPayload& payload) { return static_cast<JobKind>(payload.index()); }

/// The pictures that are wanted, whichever way.
PictureRequest& wanted_pictures(JobPayload& payload);
const PictureRequest& wanted_pictures(const JobPayload& payload);

/// The blobs that the job needs: they are kept until it has ended.
std::vector<std::string> inputs_of(const JobPayload& payload);

}  // namespace imagined::service
