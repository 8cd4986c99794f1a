#include "service/pictures/image_service.h"

#include <utility>

#include "base/ids.h"
#include "base/log.h"

namespace imagined::service {

ImageService::ImageService(const Catalogue& catalogue, JobStore& jobs, BlobStore& blobs,
                           JobEvents& events, WorkerBell& bell, const Clock& clock,
                           ImageServiceOptions options)
    : catalogue_(catalogue),
      jobs_(jobs),
      blobs_(blobs),
      events_(events),
      bell_(bell),
      clock_(clock),
      options_(options) {}

Result<Job> ImageService::submit(const ApiKey& key, PictureRequest request) {
  const Model* model = TRY(catalogue_.resolve(request.model));
  request.model = model->id;
  TRY(check_picture_count(request.count));
  TRY(check_user(request.user));
  // The prompt's own check knew only what its caller said; the limit of the model is ours to hold.
  TRY(Prompt::parse(request.prompt.text(), model->max_prompt_length));
  TRY(blobs_.check_room());
  Job job{.id = make_uuid(clock_),
          .key_id = key.id,
          .request = std::move(request),
          .created_ms = clock_.unix_ms()};
  TRY(jobs_.insert_if_queue_below(job, options_.queue_limit));
  bell_.job_queued();
  log(LogLevel::info, "job_queued", "id={} key={} model={} n={}", job.id, job.key_id,
      job.request.model, job.request.count);
  return job;
}

Result<Job> ImageService::find(std::string_view job_id) { return jobs_.find(job_id); }

Result<Job> ImageService::cancel(std::string_view job_id) {
  Job job = TRY(jobs_.cancel(job_id));
  if (job.state != JobState::cancelled) return job;
  bell_.job_cancelled(job_id);
  events_.publish({.kind = JobEvent::Kind::finished, .job_id = job.id});
  log(LogLevel::info, "job_cancelled", "id={}", job.id);
  return job;
}

Result<std::vector<StoredPicture>> ImageService::pictures(std::string_view job_id) {
  return jobs_.pictures(job_id);
}

Result<PictureFile> ImageService::read_picture(std::string_view picture_id) {
  PictureFile file;
  file.picture = TRY(jobs_.find_picture(picture_id));
  auto bytes = blobs_.get(file.picture.blob);
  if (!bytes) {
    // The row says that the file was safe: its absence is damage, not a wrong address.
    log(LogLevel::error, "picture_lost", "id={} blob={} reason={:?}", picture_id, file.picture.blob,
        bytes.error().message);
    return fail(ErrorCode::data_loss, "the stored picture is damaged", {},
                std::move(bytes.error().detail));
  }
  file.bytes = std::move(*bytes);
  return file;
}

Result<int> ImageService::rescue(const Stranded& stranded) {
  const std::vector<Job> jobs = TRY(jobs_.requeue_or_fail(stranded, kAttemptsMax));
  bool any_queued = false;
  for (const Job& job : jobs) {
    log(LogLevel::warn, "job_rescued", "id={} state={} attempt={}", job.id, to_string(job.state),
        job.attempt);
    if (is_final(job.state)) events_.publish({.kind = JobEvent::Kind::finished, .job_id = job.id});
    any_queued = any_queued || job.state == JobState::queued;
  }
  if (any_queued) bell_.job_queued();
  return static_cast<int>(jobs.size());
}

}  // namespace imagined::service
