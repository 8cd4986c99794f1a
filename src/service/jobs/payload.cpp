#include "service/jobs/payload.h"

namespace imagined::service {

const PictureRequest& wanted_pictures(const JobPayload& payload) {
  const auto* edit = std::get_if<EditRequest>(&payload);
  return edit == nullptr ? std::get<PictureRequest>(payload) : edit->pictures;
}

PictureRequest& wanted_pictures(JobPayload& payload) {
  return const_cast<PictureRequest&>(wanted_pictures(std::as_const(payload)));
}

std::vector<std::string> inputs_of(const JobPayload& payload) {
  const auto* edit = std::get_if<EditRequest>(&payload);
  if (edit == nullptr) return {};
  std::vector<std::string> blobs = edit->references;
  if (!edit->mask.empty()) blobs.push_back(edit->mask);
  return blobs;
}

}  // namespace imagined::service
