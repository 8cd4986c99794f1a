#include "service/pictures/offered.h"

#include <fmt/format.h>

#include <string>
#include <utility>
#include <variant>

namespace imagined::service {
namespace {

tl::unexpected<Error> refuse(std::string field, std::string_view why) {
  std::string message = fmt::format("{}: {}", field, why);
  return fail(ErrorCode::invalid_argument, std::move(message), std::move(field));
}

Result<void> check_makes_pictures(const Model& model, const Abilities& abilities) {
  if (abilities.pictures) return {};
  return refuse("model", fmt::format("\"{}\" makes videos and no pictures", model.id));
}

Result<void> check_pictures(const EditRequest& edit, const Model& model,
                            const Abilities& abilities) {
  const auto count = std::ssize(edit.references);
  if (abilities.references_max == 0)
    return refuse("image", fmt::format("the model \"{}\" takes no reference pictures", model.id));
  if (count > abilities.references_max)
    return refuse("image", fmt::format("the model \"{}\" takes 1 to {} reference pictures, got {}",
                                       model.id, abilities.references_max, count));
  if (!edit.mask.empty() && !abilities.masks)
    return refuse(
        "mask", fmt::format("the model \"{}\" cannot keep a part of a picture as it is", model.id));
  return {};
}

Result<void> check_video(const VideoRequest& video, const Model& model,
                         const Abilities& abilities) {
  if (abilities.clip_frames_per_second == 0)
    return refuse("model",
                  fmt::format("\"{}\" makes no videos: it was not trained for clips", model.id));
  // Its key frames are drawn anew, each with what it was.
  if (video.task == VideoTask::edit && abilities.references_max == 0)
    return refuse("video", fmt::format("the model \"{}\" takes no reference pictures, so it cannot "
                                       "edit a video",
                                       model.id));
  return {};
}

Result<void> check_negative_prompt(const PictureRequest& request, const Model& model,
                                   const Abilities& abilities) {
  constexpr const char* kField = "negative_prompt";
  if (!request.negative_prompt) return {};
  if (abilities.guidance != GuidanceUse::true_passes)
    return refuse(kField, fmt::format("the model \"{}\" has no true guidance, so it would have no "
                                      "effect; leave it out",
                                      model.id));
  const float guidance =
      request.guidance.value_or(model.guidance.value_or(abilities.guidance_default));
  if (guidance <= 1)
    return refuse(kField,
                  fmt::format("has no effect at guidance {}, which must be above 1", guidance));
  return {};
}

}  // namespace

Result<void> check_offered(const JobPayload& wanted, const Model& model,
                           const Abilities& abilities) {
  if (const auto* edit = std::get_if<EditRequest>(&wanted))
    TRY(check_pictures(*edit, model, abilities));
  if (const auto* video = std::get_if<VideoRequest>(&wanted))
    TRY(check_video(*video, model, abilities));
  else
    TRY(check_makes_pictures(model, abilities));
  return check_negative_prompt(wanted_pictures(wanted), model, abilities);
}

}  // namespace imagined::service
