// What has become of a video, for every face that is asked.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/call/call.h"

namespace imagined::api {

struct VideoState {
  enum class Kind : std::uint8_t {
    pending,
    done,
    refused,  // by moderation, when it was made
    failed,
    expired,  // made, and not kept any more
  };
  Kind kind = Kind::pending;
  service::Job job;
  int percent = 0;                                    // pending: 0 to 99
  std::optional<service::FinishedPictures> finished;  // done: one clip
  std::int64_t charged_usd_ticks = 0;                 // refused, failed
  std::optional<Result<service::StoredFile>> file;    // done, of one that was to become a file
  std::string upload_url;                             // done, of one that is to be sent there
  std::vector<std::string> warnings;                  // of its request, and of who has made it
};

/// `not_found` for what is no video of the caller's team. Blocks on the stores.
Result<VideoState> look_at_video(const CallContext& context, const Call& call,
                                 std::string_view request_id);

}  // namespace imagined::api
