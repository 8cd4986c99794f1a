// The bodies of POST /v1/videos/generations, /edits and /extensions, read as they arrive.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/wire/json_pictures.h"
#include "base/result.h"
#include "service/catalogue/catalogue.h"
#include "service/videos/video_request.h"

namespace imagined::api::wire {

struct VideoCall {
  service::VideoRequest request;  // without its blobs
  std::optional<GivenPicture> image;
  std::optional<GivenPicture> video;
};

class VideoBody {
 public:
  /// `sink` must outlive it.
  VideoBody(service::VideoTask task, UploadSink& sink) : task_(task), json_(sink) {}

  Result<void> feed(std::string_view bytes) { return json_.feed(bytes); }
  /// After the last byte: xAI's fields (xai-api.md 1.7 to 1.9), with `seconds` for `duration` and
  /// `input_reference` for `image`, and `seed`, `steps` and `guidance` as for pictures. Without a
  /// model it is `usual`; who names one that is unknown is told of `makers`. What would change the
  /// video and is not made here is refused by name; what is not known at all is ignored with a
  /// warning. Codes as parse_generation_call.
  Result<VideoCall> finish(const service::Catalogue& catalogue, const service::Model& usual,
                           const std::vector<std::string>& makers);

 private:
  service::VideoTask task_;
  JsonPictures json_;
};

}  // namespace imagined::api::wire
