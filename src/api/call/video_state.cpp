#include "api/call/video_state.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "api/call/keeping.h"
#include "base/utf8.h"

namespace imagined::api {
namespace {

using service::JobState;

int percent_of(const CallContext& context, std::string_view job_id) {
  constexpr std::int64_t kMost = 99;
  const auto told = context.services.watcher.progress_of(job_id);
  if (!told || told->steps <= 0) return 0;
  return static_cast<int>(
      std::clamp(std::int64_t{100} * told->step / told->steps, std::int64_t{0}, kMost));
}

}  // namespace

Result<VideoState> look_at_video(const CallContext& context, const Call& call,
                                 std::string_view request_id) {
  service::ImageService& images = context.services.images;
  // Before the job: it is forgotten when that ends, and one that still runs has not gone back to 0.
  const int percent = percent_of(context, request_id);
  auto found = images.find(*call.caller, request_id);
  const bool is_video = found && found->kind == service::JobKind::videos;
  if (!is_video && (found || found.error().code == ErrorCode::not_found))
    return fail(ErrorCode::not_found,
                fmt::format("there is no video {:?}", valid_utf8(request_id.substr(0, 60))),
                "request_id");
  VideoState state{.job = TRY(std::move(found))};
  const service::Job& job = state.job;
  const auto asked = images.asked_for(*call.caller, request_id);
  // Of one that cannot be read the job has failed.
  if (asked) state.warnings = service::wanted_pictures(*asked).warnings;
  if (!service::is_final(job.state)) {
    state.percent = percent;
    return state;
  }
  if (job.state != JobState::succeeded) {
    const bool refused = job.error && job.error->reason == ErrorReason::content_moderated;
    state.kind = refused ? VideoState::Kind::refused : VideoState::Kind::failed;
    state.charged_usd_ticks = TRY(images.charged(*call.caller, request_id));
    return state;
  }
  state.finished = TRY(images.finished(*call.caller, request_id));
  state.kind =
      state.finished->pictures.empty() ? VideoState::Kind::expired : VideoState::Kind::done;
  if (state.kind != VideoState::Kind::done) return state;
  const std::vector<std::string>& read = state.finished->reading.warnings;
  state.warnings.insert(state.warnings.end(), read.begin(), read.end());
  TRY(asked);
  const auto& video = std::get<service::VideoRequest>(*asked);
  if (video.storage)
    state.file = keep_as_file(context, call, *video.storage, *state.finished,
                              state.finished->pictures.front());
  state.upload_url = video.upload_url;
  return state;
}

}  // namespace imagined::api
