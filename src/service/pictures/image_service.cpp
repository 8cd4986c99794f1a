#include "service/pictures/image_service.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/ids.h"
#include "base/log.h"
#include "image/decode.h"
#include "service/cache/cache_key.h"
#include "service/pictures/find_picture.h"
#include "service/pictures/given_size.h"
#include "service/pictures/offered.h"
#include "service/pictures/request_hash.h"

namespace imagined::service {
namespace {

bool makes_pictures(const Abilities& abilities) { return abilities.pictures; }
bool makes_videos(const Abilities& abilities) { return abilities.clip_frames_per_second > 0; }

/// As far as the workers have told; null when there is none.
const Model* first_able(const Catalogue& catalogue, const WorkerPool& workers,
                        bool (*is_able)(const Abilities&)) {
  for (const Model& model : catalogue.models()) {
    const auto report = workers.report(model.id);
    if (report && report->abilities && is_able(*report->abilities)) return &model;
  }
  return nullptr;
}

constexpr std::size_t kIdempotencyKeyBytesMax = 255;
constexpr std::int64_t kLostAnswerMs = 600'000;  // an SDK has given up long before

// How late a job may be begun, where nobody has said.
constexpr std::int64_t kShortestWaitMs = 3'600'000;
constexpr std::int64_t kUnmeasuredWaitMs = 24 * kShortestWaitMs;
constexpr std::int64_t kWaitFactor = 4;  // of what the measured pace says

Result<void> check_idempotency_key(std::string_view key) {
  constexpr std::string_view kField = "idempotency_key";
  if (key.size() > kIdempotencyKeyBytesMax)
    return fail(ErrorCode::invalid_argument,
                fmt::format("the idempotency key has {} bytes, at most {} are allowed", key.size(),
                            kIdempotencyKeyBytesMax),
                std::string(kField));
  for (const char c : key) {
    if (c > 0x20 && c < 0x7F) continue;
    return fail(ErrorCode::invalid_argument,
                "the idempotency key has a character that is not visible ASCII",
                std::string(kField));
  }
  return {};
}

/// By the second. What keeps the size of a given video is paid for as if it were large.
Bill bill_of(const Model& model, const VideoRequest& wanted) {
  const bool is_720p =
      wanted.task != VideoTask::generation || wanted.resolution == VideoResolution::p720;
  return {.per_picture_usd_ticks =
              is_720p ? model.price_second_720p_usd_ticks.value_or(model.price_second_usd_ticks)
                      : model.price_second_usd_ticks,
          .once_usd_ticks = wanted.image.empty() ? 0 : model.price_input_usd_ticks};
}

Bill bill_of(const Model& model, const JobPayload& wanted) {
  if (const auto* video = std::get_if<VideoRequest>(&wanted)) return bill_of(model, *video);
  const bool is_2k = wanted_pictures(wanted).resolution == Resolution::k2;
  const auto* edit = std::get_if<EditRequest>(&wanted);
  const std::int64_t references = edit == nullptr ? 0 : std::ssize(edit->references);
  return {.per_picture_usd_ticks = is_2k ? model.price_2k_usd_ticks.value_or(model.price_usd_ticks)
                                         : model.price_usd_ticks,
          .once_usd_ticks = product_of(model.price_input_usd_ticks, references)};
}

Scope scope_of(const JobPayload& wanted) {
  if (std::holds_alternative<VideoRequest>(wanted)) return Scope::videos;
  return std::holds_alternative<EditRequest>(wanted) ? Scope::edits : Scope::images;
}

/// Of a video that is given what is made of it is judged.
std::vector<std::string> given_pictures(const JobPayload& wanted) {
  if (const auto* edit = std::get_if<EditRequest>(&wanted)) return edit->references;
  const auto* video = std::get_if<VideoRequest>(&wanted);
  if (video == nullptr || video->image.empty()) return {};
  return {video->image};
}

/// Each given picture as its file is, one at a time, and what is wrong with one under its name.
template <class Check>
Result<void> check_each_given(BlobStore& blobs, const JobPayload& wanted, const Check& check) {
  const std::vector<std::string> given = given_pictures(wanted);
  for (std::size_t i = 0; i < given.size(); ++i) {
    const auto file = TRY(blobs.get(given[i]));
    Result<void> checked = check(file);
    if (!checked)
      return tl::unexpected(about_picture(std::move(checked.error()), reference_name(i)));
  }
  return {};
}

/// A video that begins with a picture needs no words.
bool says_it_by_a_picture(const JobPayload& wanted) {
  const auto* video = std::get_if<VideoRequest>(&wanted);
  return video != nullptr && !video->image.empty() && video->frames.prompt.text().empty();
}

/// Who may ask for pictures in any way may look at what became of it.
Result<void> require_any(const Caller& caller) {
  const bool may = caller.scopes.has(Scope::edits) || caller.scopes.has(Scope::videos);
  return may ? Result<void>() : require(caller, Scope::images);
}

/// Of a video the answer is a job's name in any case; one that is kept or sent somewhere is a job
/// of its own.
bool wants_cache(const Caller& caller, const Asking& asking, const JobPayload& wanted) {
  if (!asking.idempotency_key.empty()) return false;
  const auto* video = std::get_if<VideoRequest>(&wanted);
  if (asking.deferred && video == nullptr) return false;
  if (video != nullptr && (video->storage || !video->upload_url.empty())) return false;
  return asking.cache == CacheWish::use ||
         (asking.cache == CacheWish::as_the_key && caller.uses_cache);
}

/// Of a clip that goes on from a given one what was added; of one drawn anew as long as it is.
std::int64_t seconds_sold(const Charge& charge, const StoredPicture& clip) {
  return std::min(charge.pictures, (clip.duration_ms + 999) / 1000);
}

/// What is owed for what is there already.
Result<std::int64_t> record_hit(const ImageService::Parts& parts, const Caller& caller,
                                const Charge& charge, std::int64_t delivered) {
  auto cost = parts.ledger.record(parts.admission.reservation(caller, charge),
                                  {.outcome = Outcome::cached, .delivered = delivered});
  if (!cost) parts.admission.note_refusal(caller, charge.model, cost.error());
  return cost;
}

/// What is owed for it is not settled here.
FinishedPictures finished_with(Job job, std::vector<StoredPicture> pictures) {
  const std::int64_t cost = job.sold.bill.cost_usd_ticks(std::ssize(pictures));
  Reading reading = pictures.empty() ? Reading{} : pictures.front().reading;
  std::string order_id = job.id;
  return FinishedPictures{.job = std::move(job),
                          .order_id = std::move(order_id),
                          .pictures = std::move(pictures),
                          .cost_usd_ticks = cost,
                          .reading = std::move(reading)};
}

}  // namespace

Result<Order> ImageService::submit(const Caller& caller, JobPayload payload, Asking asking) {
  TRY(require(caller, scope_of(payload)));
  PictureRequest& request = wanted_pictures(payload);
  const Model* model = TRY(parts_.catalogue.resolve(request.model));
  TRY(require_model(caller, model->id));
  request.model = model->id;
  request.labelled = options_.labels && !caller.unlabelled;
  TRY(check_picture_count(request.count));
  TRY(check_user(request.user));
  if (const auto* video = std::get_if<VideoRequest>(&payload)) TRY(check_video(*video));
  TRY(check_idempotency_key(asking.idempotency_key));
  // The prompt's own check knew only what its caller said; the limit of the model is ours to hold.
  if (!says_it_by_a_picture(payload))
    TRY(Prompt::parse(request.prompt.text(), model->max_prompt_length));
  if (request.negative_prompt) TRY(parse_negative_prompt(request.negative_prompt->text(), *model));
  if (request.steps) TRY(check_steps(*request.steps, *model));
  if (request.guidance) TRY(check_guidance(*request.guidance));
  std::string hash = std::visit([](const auto& each) { return request_hash(each); }, payload);
  // Asked again, it needs neither room nor a worker any more.
  if (auto earlier = TRY(parts_.queue.find_keyed(caller, asking.idempotency_key, hash)))
    return Order{.job = std::move(*earlier)};
  const auto report = parts_.workers.report(model->id);
  const Abilities* abilities = report && report->abilities ? &*report->abilities : nullptr;
  auto offered = check_offered(payload, *model, abilities);
  if (!offered)
    return tl::unexpected(with_another_model(caller, std::move(offered.error()), payload));
  if (abilities != nullptr && abilities->reference_side_px_min > 0)
    TRY(check_each_given(parts_.blobs, payload, [&](const auto& file) {
      return check_given_size(file, *model, *abilities);
    }));
  Charge charge{.id = make_uuid(parts_.clock),
                .owner = caller.owner,
                .user = request.user,
                .model = model->id,
                .bill = bill_of(*model, payload),
                .pictures = ordered_pieces(payload),
                .created_ms = parts_.clock.unix_ms()};
  TRY(parts_.moderator.check(request.prompt.text(), charge));
  TRY(moderate_given(payload, charge));
  Order order;
  std::optional<Job> made;
  const bool is_video = kind_of(payload) == JobKind::videos;
  if (parts_.cache != nullptr && wants_cache(caller, asking, payload)) {
    order.cache = CacheUse::miss;
    order.cache_key = cache_key(payload, *model, parts_.moderator.version(caller.owner.team_id));
    if (auto found = parts_.cache->find(caller, order.cache_key, request.count)) {
      made = std::move(found->job);
      order.pictures = std::move(found->pictures);
    }
  }
  if (!made)
    made = TRY(insert(caller, *model, std::move(payload), asking, charge, std::move(hash),
                      // Of a clip in the making nobody knows yet whether it will come.
                      is_video ? std::string() : order.cache_key));
  order.job = std::move(*made);
  const bool is_new = order.job.id == charge.id;
  if (is_video && is_new && order.cache == CacheUse::miss)
    parts_.cache->put(order.cache_key, order.job);
  if (order.cache == CacheUse::bypass || is_new) return order;
  order.cache = CacheUse::hit;
  // Whoever asks again for its own work has paid for it already.
  if (asking.again && order.job.owner.key_id == caller.owner.key_id) return order;
  charge.bill = parts_.cache->bill_of_hit(charge.bill);
  if (is_video) {
    TRY(record_hit(parts_, caller, charge, seconds_sold(charge, order.pictures.front())));
    return order;
  }
  order.hit_charge = std::move(charge);
  return order;
}

// What is no picture is not judged here: its worker refuses it by name, and nobody sees it before.
Result<void> ImageService::moderate_given(const JobPayload& wanted, const Charge& charge) {
  if (!parts_.moderator.judges_pictures()) return {};
  return check_each_given(parts_.blobs, wanted, [&](const auto& file) -> Result<void> {
    const auto header = image::read_header(file);
    if (!header) return {};
    return parts_.moderator.check_given({.file = file, .format = header->format}, charge);
  });
}

Result<Job> ImageService::insert(const Caller& caller, const Model& model, JobPayload payload,
                                 const Asking& asking, const Charge& charge,
                                 std::string request_hash, std::string share_key) {
  TRY(parts_.blobs.check_room());
  // Who lost an answer may have a job, which the insert finds; a new one waits for the worker.
  const bool may_have_a_job = asking.again && !parts_.workers.is_ready();
  if (!may_have_a_job && !somebody_has(model)) return nobody_has(model);
  const std::int64_t deliver_by = TRY(deliver_by_ms(charge.created_ms, asking.deferred));
  const PictureRequest& request = wanted_pictures(payload);
  NewJob wanted{.job = {.id = charge.id,
                        .owner = caller.owner,
                        .kind = kind_of(payload),
                        .sold = {.model = model.id,
                                 .bill = charge.bill,
                                 .steps = request.steps.value_or(model.steps),
                                 .guidance = request.guidance ? request.guidance : model.guidance},
                        .idempotency_key = std::string(asking.idempotency_key),
                        .created_ms = charge.created_ms,
                        .deliver_by_ms = deliver_by},
                .payload = std::move(payload),
                .queue_limit = options_.queue_limit,
                .in_flight_max = parts_.admission.in_flight_max(caller),
                .request_hash = std::move(request_hash),
                .share_key = std::move(share_key)};
  wanted.reservation = parts_.admission.reservation(caller, charge);
  if (asking.again && asking.idempotency_key.empty())
    wanted.attach_since_ms = charge.created_ms - kLostAnswerMs;
  auto inserted = parts_.queue.insert(wanted);
  if (!inserted) parts_.admission.note_refusal(caller, model.id, inserted.error());
  return inserted;
}

/// Whoever asks a model for what it cannot do, a picture, a video or a negative prompt, is told
/// which can.
Error ImageService::with_another_model(const Caller& caller, Error error,
                                       const JobPayload& wanted) const {
  if (error.field == "negative_prompt") {
    for (const Model& model : parts_.catalogue.models()) {
      const auto report = parts_.workers.report(model.id);
      if (!require_model(caller, model.id) || !report || !report->abilities) continue;
      const Abilities& abilities = *report->abilities;
      if (!check_offered(wanted, model, &abilities)) continue;
      error.message += fmt::format(", or ask the model \"{}\", whose guidance is {}", model.id,
                                   guidance_of(wanted_pictures(wanted), model, abilities));
      break;
    }
    return error;
  }
  if (error.field != "model") return error;
  const Model* other = std::holds_alternative<VideoRequest>(wanted)
                           ? video_model()
                           : first_able(parts_.catalogue, parts_.workers, &makes_pictures);
  error.message += other != nullptr ? fmt::format("; \"{}\" does", other->id)
                                    : ", and no other model of this server does";
  return error;
}

const Model* ImageService::video_model() const {
  return first_able(parts_.catalogue, parts_.workers, &makes_videos);
}

const Model& ImageService::usual_video_model() const {
  const Model* model = video_model();
  return model != nullptr ? *model : parts_.catalogue.default_model();
}

bool ImageService::somebody_has(const Model& model) const {
  return model.elsewhere || parts_.workers.accepts(model.id);
}

tl::unexpected<Error> ImageService::nobody_has(const Model& model) const {
  const auto report = parts_.workers.report(model.id);
  if (report && !report->abilities)
    return fail(ErrorCode::unavailable,
                fmt::format("the model \"{}\" could not be loaded; the log of this server says why",
                            model.id),
                "model");
  return fail(ErrorCode::unavailable,
              parts_.workers.is_ready()
                  ? fmt::format("no worker has the model \"{}\" at the moment", model.id)
                  : std::string("the worker is starting; try again in a moment"));
}

// Long after all that wait now should have been begun: whoever asked has gone by then.
Result<std::int64_t> ImageService::deliver_by_ms(std::int64_t now_ms, bool deferred) {
  if (deferred) return 0;
  if (options_.job_timeout_ms > 0) return now_ms + options_.job_timeout_ms;
  const QueuePace pace = TRY(parts_.queue.pace());
  if (pace.run_ms == 0) return now_ms + kUnmeasuredWaitMs;
  return now_ms + std::max(kShortestWaitMs, kWaitFactor * pace.all_begun_ms());
}

Result<bool> ImageService::gets_on(const Caller& caller, std::string_view job_id) {
  const Job job = TRY(find(caller, job_id));
  if (job.state != JobState::queued) return true;
  const Model* model = parts_.catalogue.find(job.sold.model);
  if (model == nullptr || !somebody_has(*model)) return false;
  const QueuePace pace = TRY(parts_.queue.pace());
  return pace.running > 0;
}

Result<Job> ImageService::find(const Caller& caller, std::string_view job_id) {
  TRY(require_any(caller));
  return parts_.queue.find(caller, job_id);
}

Result<Job> ImageService::cancel(const Caller& caller, std::string_view job_id) {
  TRY(require_any(caller));
  return parts_.queue.cancel(caller, job_id);
}

Result<FinishedPictures> ImageService::finished(const Caller& caller, std::string_view job_id) {
  Job job = TRY(find(caller, job_id));
  if (!is_final(job.state))
    return fail(ErrorCode::failed_precondition, "the pictures are not finished");
  if (job.state != JobState::succeeded) return tl::unexpected(reason_of(job));
  auto pictures = TRY(parts_.archive.pictures(job.id));
  FinishedPictures done = finished_with(std::move(job), std::move(pictures));
  if (done.job.kind == JobKind::videos) done.cost_usd_ticks = TRY(parts_.ledger.cost(done.job.id));
  return done;
}

Result<FinishedPictures> ImageService::finished(const Caller& caller, const Order& order) {
  auto made = order.pictures.empty() ? finished(caller, order.job.id)
                                     : finished_with(order.job, order.pictures);
  if (!made && made.error().code == ErrorCode::cancelled && order.cache == CacheUse::hit)
    return fail(ErrorCode::unavailable, "whoever began this work has cancelled it; ask again");
  FinishedPictures done = TRY(std::move(made));
  if (order.cache == CacheUse::miss) parts_.cache->put(order.cache_key, done.job);
  if (order.hit_charge) {
    done.order_id = order.hit_charge->id;
    done.cost_usd_ticks =
        TRY(record_hit(parts_, caller, *order.hit_charge, std::ssize(done.pictures)));
  }
  return done;
}

Result<JobPayload> ImageService::asked_for(const Caller& caller, std::string_view job_id) {
  TRY(require_any(caller));
  return parts_.queue.payload(caller, job_id);
}

Result<std::int64_t> ImageService::charged(const Caller& caller, std::string_view job_id) {
  const Job job = TRY(find(caller, job_id));
  auto cost = parts_.ledger.cost(job.id);
  if (!cost && cost.error().code == ErrorCode::not_found)
    return 0;  // taken before there were books
  return cost;
}

Result<PictureFile> ImageService::read_picture(const Caller& caller, std::string_view picture_id) {
  TRY(require_any(caller));
  StoredPicture picture = TRY(find_picture(parts_.archive, picture_id));
  if (const auto job = parts_.queue.find(caller, picture.job_id); !job) {
    if (job.error().code != ErrorCode::not_found) return tl::unexpected(job.error());
    return no_such_picture(picture_id);
  }
  return read_file(std::move(picture));
}

Result<PictureFile> ImageService::read_picture(const LinkedPicture& linked) {
  return read_file(TRY(parts_.archive.find_picture(linked.id())));
}

Result<std::vector<std::uint8_t>> ImageService::read_preview(const Caller& caller,
                                                             const JobEvent& preview) {
  TRY(find(caller, preview.job_id));
  return parts_.blobs.get(preview.blob);
}

void ImageService::give_back(std::string_view job_id) {
  const auto refunded = parts_.ledger.refund(job_id);
  if (refunded) {
    log(LogLevel::warn, "job_refunded", "id={} usd_ticks={}", job_id, *refunded);
    return;
  }
  const ErrorCode code = refunded.error().code;
  if (code == ErrorCode::not_found || code == ErrorCode::failed_precondition)
    return;  // done before
  log(LogLevel::error, "job_not_refunded", "id={} reason={:?}", job_id, refunded.error().message);
}

Result<PictureFile> ImageService::read_file(StoredPicture picture) {
  auto bytes = parts_.blobs.get(picture.blob);
  if (!bytes) {
    const ErrorCode code = bytes.error().code;
    const bool lost = code == ErrorCode::not_found || code == ErrorCode::data_loss;
    if (!lost) return tl::unexpected(std::move(bytes.error()));  // it may come back
    // The row says that the file was safe: its absence is damage, not a wrong address.
    log(LogLevel::error, "picture_lost", "id={} blob={} reason={:?}", picture.id, picture.blob,
        bytes.error().message);
    give_back(picture.job_id);
    return fail(ErrorCode::data_loss, "the stored picture is damaged", {},
                std::move(bytes.error().detail));
  }
  PictureFile file;
  file.picture = std::move(picture);
  file.bytes = std::move(*bytes);
  return file;
}

}  // namespace imagined::service
