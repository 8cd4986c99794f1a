#include "api/wire/video_replies.h"

#include "base/json_text.h"

namespace imagined::api::wire {
namespace {

void add_warnings(const std::vector<std::string>& warnings, JsonText& body) {
  if (!warnings.empty()) body.add("warnings", JsonText::array_of(warnings));
}

JsonText video_value(std::string_view request_id, std::string_view model, const JsonText& video) {
  return JsonText::object({{"request_id", request_id},
                           {"status", "done"},
                           {"progress", 100},
                           {"model", model},
                           {"video", video}});
}

}  // namespace

std::int64_t duration_s(const service::StoredPicture& clip) {
  return (clip.duration_ms + 500) / 1000;
}

std::string asked_video_body(std::string_view request_id,
                             const std::vector<std::string>& warnings) {
  JsonText body = JsonText::object({{"request_id", request_id}});
  add_warnings(warnings, body);
  return body.text();
}

std::vector<std::string> video_makers(const service::Catalogue& catalogue,
                                      const service::WorkerPool& workers) {
  std::vector<std::string> ids;
  for (const service::Model& model : catalogue.models())
    if (makes_videos({model, workers})) ids.push_back(model.id);
  return ids;
}

std::string pending_video_body(std::string_view request_id, int percent, std::string_view model,
                               const std::vector<std::string>& warnings) {
  JsonText body = JsonText::object(
      {{"request_id", request_id}, {"status", "pending"}, {"progress", percent}, {"model", model}});
  add_warnings(warnings, body);
  return body.text();
}

std::string video_body(std::string_view request_id, std::string_view model,
                       const service::StoredPicture& clip, std::string_view url, const Usage& usage,
                       const KeptFile& file, std::string_view upload_error) {
  JsonText video = JsonText::object(
      {{"url", url}, {"duration", duration_s(clip)}, {"respect_moderation", true}});
  if (file.file != nullptr && *file.file)
    video.add("file_output", file_output_value(**file.file, file.base));
  else if (file.file != nullptr)
    video.add("storage_error", file.file->error().message);
  if (!upload_error.empty()) video.add("upload_error", upload_error);
  JsonText body = video_value(request_id, model, video);
  body.add("usage", usage_value(usage));
  add_warnings(usage.warnings, body);
  return body.text();
}

std::string refused_video_body(std::string_view request_id, std::string_view model,
                               std::int64_t charged_usd_ticks,
                               const std::vector<std::string>& warnings) {
  const JsonText video =
      JsonText::object({{"url", ""}, {"duration", 0}, {"respect_moderation", false}});
  JsonText body = video_value(request_id, model, video);
  body.add("usage", usage_value({.cost_usd_ticks = charged_usd_ticks}));
  add_warnings(warnings, body);
  return body.text();
}

std::string expired_video_body(std::string_view request_id) {
  return JsonText::object({{"request_id", request_id}, {"status", "expired"}}).text();
}

}  // namespace imagined::api::wire
