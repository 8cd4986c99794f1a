#include "service/pictures/offered.h"

#include <fmt/format.h>

#include <algorithm>
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
  return refuse("model", fmt::format("\"{}\" makes no pictures", model.id));
}

Result<void> check_mask(const EditRequest& edit, const Model& model, const Abilities& abilities) {
  if (edit.mask.empty() || abilities.masks) return {};
  return refuse("mask",
                fmt::format("the model \"{}\" cannot keep a part of a picture as it is", model.id));
}

Result<void> check_video(const VideoRequest& video, const Model& model,
                         const Abilities& abilities) {
  if (abilities.clip_frames_per_second == 0)
    return refuse("model", fmt::format("\"{}\" makes no videos", model.id));
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
  const float guidance = guidance_of(request, model, abilities);
  if (guidance <= 1)
    return refuse(
        kField, fmt::format("has no effect at guidance {}; ask for a guidance above 1", guidance));
  return {};
}

}  // namespace

float guidance_of(const PictureRequest& request, const Model& model, const Abilities& abilities) {
  return request.guidance.value_or(model.guidance.value_or(abilities.guidance_default));
}

Result<void> check_reference_count(std::size_t count, const Model& model,
                                   const Abilities* abilities) {
  const int most =
      abilities == nullptr ? kReferencesMax : std::min(abilities->references_max, kReferencesMax);
  if (count >= 1 && count <= static_cast<std::size_t>(most)) return {};
  const std::string who =
      abilities == nullptr ? "a request" : fmt::format("the model \"{}\"", model.id);
  if (most == 0) return refuse("image", fmt::format("{} takes no reference pictures", who));
  return refuse("image", fmt::format("{} takes {} reference picture{}, got {}", who,
                                     most == 1 ? "1" : fmt::format("1 to {}", most),
                                     most == 1 ? "" : "s", count));
}

Result<void> check_offered(const JobPayload& wanted, const Model& model,
                           const Abilities* abilities) {
  const auto* edit = std::get_if<EditRequest>(&wanted);
  if (edit != nullptr) TRY(check_reference_count(edit->references.size(), model, abilities));
  if (abilities == nullptr) return {};
  if (edit != nullptr) TRY(check_mask(*edit, model, *abilities));
  if (const auto* video = std::get_if<VideoRequest>(&wanted))
    TRY(check_video(*video, model, *abilities));
  else
    TRY(check_makes_pictures(model, *abilities));
  return check_negative_prompt(wanted_pictures(wanted), model, *abilities);
}

}  // namespace imagined::service
