#include "service/jobs/payload.h"

namespace imagined::service {
namespace {

const PictureRequest& pictures_of(const PictureRequest& request) { return request; }
const PictureRequest& pictures_of(const EditRequest& request) { return request.pictures; }
const PictureRequest& pictures_of(const VideoRequest& request) { return request.frames; }

}  // namespace

const PictureRequest& wanted_pictures(const JobPayload& payload) {
  return std::visit(
      [](const auto& request) -> const PictureRequest& { return pictures_of(request); }, payload);
}

PictureRequest& wanted_pictures(JobPayload& payload) {
  return const_cast<PictureRequest&>(wanted_pictures(std::as_const(payload)));
}

int ordered_pieces(const JobPayload& payload) {
  const auto* video = std::get_if<VideoRequest>(&payload);
  return video == nullptr ? wanted_pictures(payload).count : video->seconds;
}

std::vector<std::string> inputs_of(const JobPayload& payload) {
  std::vector<std::string> blobs;
  if (const auto* edit = std::get_if<EditRequest>(&payload)) {
    blobs = edit->references;
    if (!edit->mask.empty()) blobs.push_back(edit->mask);
  }
  if (const auto* video = std::get_if<VideoRequest>(&payload)) {
    if (!video->image.empty()) blobs.push_back(video->image);
    if (!video->video.empty()) blobs.push_back(video->video);
  }
  return blobs;
}

}  // namespace imagined::service
