#pragma once

#include <string>

#include "service/pictures/edit_request.h"
#include "service/pictures/picture_request.h"
#include "service/videos/video_request.h"

namespace imagined::service {

/// SHA-256 in hex over everything that was asked for: two requests have the same hash when and only
/// when they ask for the same. The bytes that are hashed begin with a version and every field with
/// its length, so that no two different requests spell the same.
std::string request_hash(const PictureRequest& request);
std::string request_hash(const EditRequest& request);
std::string request_hash(const VideoRequest& request);

}  // namespace imagined::service
