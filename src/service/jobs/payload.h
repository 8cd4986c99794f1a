// What a job asks for, one alternative per kind of job. How it is written down is the business of
// storage/codec.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "service/jobs/job.h"
#include "service/pictures/edit_request.h"
#include "service/pictures/picture_request.h"
#include "service/videos/video_request.h"

namespace imagined::service {

using JobPayload = std::variant<PictureRequest, EditRequest, VideoRequest>;

/// In the order of the alternatives.
inline JobKind kind_of(const JobPayload& payload) { return static_cast<JobKind>(payload.index()); }

/// The pictures that are wanted, whichever way; of a video what is seen on its frames.
PictureRequest& wanted_pictures(JobPayload& payload);
const PictureRequest& wanted_pictures(const JobPayload& payload);

/// What the job is paid for by the piece: pictures, or seconds of video.
int ordered_pieces(const JobPayload& payload);

/// The blobs that the job needs: they are kept until it has ended.
std::vector<std::string> inputs_of(const JobPayload& payload);

}  // namespace imagined::service
