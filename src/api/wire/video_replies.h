// What is answered to who asks what has become of a video (xai-api.md 1.10).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "api/wire/replies.h"
#include "base/result.h"
#include "service/pictures/picture.h"

namespace imagined::api::wire {

/// The file that a video has become, where it was to.
struct KeptFile {
  const Result<service::StoredFile>* file = nullptr;  // null: it was not
  std::string_view base;                              // see file_output_value
};

/// `{"request_id"}`, with "warnings" where there are any.
std::string asked_video_body(std::string_view request_id, const std::vector<std::string>& warnings);
/// Ids of the models whose workers say that they make videos.
std::vector<std::string> video_makers(const service::Catalogue& catalogue,
                                      const service::WorkerPool& workers);
/// `{"request_id", "status": "pending", "progress", "model"}`; percent is 0 to 99. "warnings" as
/// above, here and below.
std::string pending_video_body(std::string_view request_id, int percent, std::string_view model,
                               const std::vector<std::string>& warnings);
/// `{"request_id", "status": "done", "progress": 100, "model", "video": {"url", "duration",
/// "respect_moderation": true}, "usage"}`, with `file_output` or `storage_error` in `video`, and
/// why it is not where it was to be sent.
std::string video_body(std::string_view request_id, std::string_view model,
                       const service::StoredPicture& clip, std::string_view url, const Usage& usage,
                       const KeptFile& file = {}, std::string_view upload_error = {});
/// The same for one that moderation has refused after it was made: without a URL.
std::string refused_video_body(std::string_view request_id, std::string_view model,
                               std::int64_t charged_usd_ticks,
                               const std::vector<std::string>& warnings);
/// `{"request_id", "status": "expired"}`: it was made, and is not kept any more.
std::string expired_video_body(std::string_view request_id);

/// Of a video: whole seconds, as clients read it.
std::int64_t duration_s(const service::StoredPicture& clip);

}  // namespace imagined::api::wire
