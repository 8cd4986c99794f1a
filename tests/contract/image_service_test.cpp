#include "service/pictures/image_service.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "contract/passing_blob_store.h"
#include "image/encode.h"
#include "storage/memory/memory_blob_store.h"
#include "storage/memory/memory_job_store.h"
#include "storage/process/process_cache_store.h"
#include "storage/process/process_job_events.h"
#include "storage/process/process_limit_store.h"

namespace imagined::service {
namespace {

class RecordingBell final : public WorkerBell {
 public:
  int queued_count = 0;
  std::vector<std::string> cancelled;

  void job_queued() override { ++queued_count; }
  void job_cancelled(std::string_view job_id) override { cancelled.emplace_back(job_id); }
};

class FakePool final : public WorkerPool {
 public:
  bool ready = true;
  std::string model = "grok-imagine-image";

  bool is_ready() const override { return ready; }
  std::vector<ModelReport> reports;

  bool accepts(std::string_view model_id) const override { return ready && model_id == model; }
  std::optional<ModelReport> report(std::string_view model_id) const override {
    const auto found = std::ranges::find(reports, model_id, &ModelReport::model);
    return found == reports.end() ? std::nullopt : std::optional(*found);
  }
};

/// Fails in the call that a test names.
class FailingBlobs final : public PassingBlobStore {
 public:
  using PassingBlobStore::PassingBlobStore;

  std::optional<Error> room_error;
  std::optional<Error> get_error;

  Result<void> check_room() override {
    if (room_error) return tl::unexpected(*room_error);
    return PassingBlobStore::check_room();
  }
  Result<std::vector<std::uint8_t>> get(std::string_view hash) override {
    if (get_error) return tl::unexpected(*get_error);
    return PassingBlobStore::get(hash);
  }
};

Caller member_of(std::string team) {
  return {.owner = {.team_id = std::move(team), .key_id = "kid"}, .scopes = ScopeSet::all()};
}

class ImageServiceTest : public testing::Test {
 protected:
  static PictureRequest some_request() {
    return {.model = "grok-imagine-image", .prompt = *Prompt::parse("a red kite", 8000)};
  }
  static EditRequest some_edit(int references) {
    return {.pictures = some_request(),
            .references = std::vector<std::string>(references, std::string(64, 'a')),
            .mask = {}};
  }
  static VideoRequest some_video() { return {.frames = some_request()}; }
  Result<Job> submit(PictureRequest request = some_request(), std::string_view key = {}) {
    return TRY(images_.submit(caller_, std::move(request), {.idempotency_key = key})).job;
  }
  Order order(const Caller& caller, PictureRequest request = some_request(), Asking asking = {}) {
    asking.cache = CacheWish::use;
    auto taken = images_.submit(caller, std::move(request), asking);
    EXPECT_TRUE(taken) << taken.error().message;
    return taken ? *taken : Order();
  }
  /// The job of an order that has been made.
  FinishedPictures make(const Caller& caller, const Order& order, int count = 1) {
    const auto claimed = *try_claim();
    EXPECT_EQ(claimed->job.id, order.job.id);
    std::vector<StoredPicture> pictures;
    for (int i = 0; i < count; ++i)
      pictures.push_back({.id = order.job.id + std::to_string(i),
                          .job_id = order.job.id,
                          .index = i,
                          .blob = *blobs_.put(std::vector<std::uint8_t>{1, 2, 3}),
                          .created_ms = clock_.unix_ms()});
    EXPECT_TRUE(jobs_.complete(claimed->lease(), pictures));
    auto finished = images_.finished(caller, order);
    EXPECT_TRUE(finished) << finished.error().message;
    return *finished;
  }
  std::vector<UsageRow> cached() {
    auto rows = *jobs_.ledger().usage({});
    std::erase_if(rows, [](const UsageRow& row) { return row.outcome != Outcome::cached; });
    return rows;
  }
  bool queue_is_empty() { return !*try_claim(); }
  Result<std::optional<ClaimedJob>> try_claim() {
    const std::vector<std::string> models = {"grok-imagine-image"};
    constexpr JobKind kKinds[] = {JobKind::pictures};
    return jobs_.claim({.worker_id = "w", .models = models, .kinds = kKinds, .lease_ms = 1000});
  }
  /// A job that has succeeded with `count` pictures, "pic0" and so on.
  Job succeed(int count = 1) {
    PictureRequest request = some_request();
    request.count = count;
    const Job job = *submit(request);
    std::vector<StoredPicture> pictures;
    for (int i = 0; i < count; ++i)
      pictures.push_back({.id = "pic" + std::to_string(i),
                          .job_id = job.id,
                          .index = i,
                          .blob = *blobs_.put(std::vector<std::uint8_t>{1, 2, 3})});
    EXPECT_TRUE(jobs_.complete((*try_claim())->lease(), pictures));
    return job;
  }

  ManualClock clock_;
  storage::MemoryJobStore jobs_{clock_};
  storage::MemoryBlobStore memory_blobs_{clock_};
  FailingBlobs blobs_{memory_blobs_};
  storage::ProcessJobEvents events_;
  RecordingBell bell_;
  FakePool workers_;
  Catalogue catalogue_ = *Catalogue::make({{.id = "grok-imagine-image",
                                            .aliases = {"fast"},
                                            .steps = 4,
                                            .guidance = 3.0F,
                                            .steps_max = 12,
                                            .price_usd_ticks = 7,
                                            .price_input_usd_ticks = 5,
                                            .price_second_usd_ticks = 11,
                                            .price_second_720p_usd_ticks = 13,
                                            .max_prompt_length = 20},
                                           {.id = "other"},
                                           {.id = "big", .elsewhere = true}},
                                          legacy_names("grok-imagine-image"));
  JobQueue queue_{jobs_, events_, bell_};
  storage::ProcessLimitStore limits_{clock_};
  Admission admission_{limits_, clock_};
  ModerationPolicies policies_ =
      *ModerationPolicies::make({.words = {{.category = "birds", .one_of_each = {{"owl"}}}}}, {});
  Moderator moderator_{{.policies = policies_, .ledger = jobs_.ledger(), .clock = clock_}};
  storage::ProcessCacheStore cache_store_{clock_, 10};
  PictureCache cache_{cache_store_, queue_, jobs_, {.life_ms = 10'000}};
  ImageService images_{{.catalogue = catalogue_,
                        .queue = queue_,
                        .archive = jobs_,
                        .blobs = blobs_,
                        .workers = workers_,
                        .admission = admission_,
                        .ledger = jobs_.ledger(),
                        .moderator = moderator_,
                        .clock = clock_,
                        .cache = &cache_},
                       {.queue_limit = 2, .job_timeout_ms = 1000}};
  Caller caller_ = member_of("ours");
  Caller stranger_ = member_of("theirs");
};

TEST_F(ImageServiceTest, NeitherQueuesNorReservesWhatModerationRefuses) {
  PictureRequest request = some_request();
  request.prompt = *Prompt::parse("an owl", 8000);
  request.user = "alice";
  const auto refused = submit(std::move(request), "k1");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().reason, ErrorReason::content_moderated);
  EXPECT_TRUE(queue_is_empty());
  const auto balances = *jobs_.ledger().balances();
  for (const auto& [account, usd_ticks] : balances) EXPECT_EQ(usd_ticks, 0) << account;
  const auto usage = *jobs_.ledger().usage({});
  ASSERT_EQ(usage.size(), 1u);
  EXPECT_EQ(usage[0].outcome, Outcome::prompt_blocked);
  EXPECT_EQ(usage[0].team_id, "ours");
  EXPECT_EQ(usage[0].user, "alice");
  EXPECT_EQ(usage[0].model, "grok-imagine-image");
}

TEST_F(ImageServiceTest, GivesPicturesAgainForNothing) {
  const Order first = order(caller_);
  EXPECT_EQ(first.cache, CacheUse::miss);
  EXPECT_EQ(make(caller_, first).cost_usd_ticks, 7);
  PictureRequest of_alice = some_request();
  of_alice.user = "alice";
  const Order second = order(caller_, of_alice);
  EXPECT_EQ(second.cache, CacheUse::hit);
  EXPECT_EQ(second.job.id, first.job.id);
  EXPECT_TRUE(queue_is_empty());
  EXPECT_EQ(images_.finished(caller_, second)->cost_usd_ticks, 0);
  ASSERT_EQ(cached().size(), 1u);
  EXPECT_EQ(cached()[0].user, "alice");
  EXPECT_EQ(cached()[0].pictures, 1);
  EXPECT_EQ(cached()[0].usd_ticks, 0);
}

TEST_F(ImageServiceTest, AHitMayCostWhatTheWorkWould) {
  PictureCache dear(cache_store_, queue_, jobs_, {.life_ms = 10'000, .at_full_price = true});
  ImageService images({.catalogue = catalogue_,
                       .queue = queue_,
                       .archive = jobs_,
                       .blobs = blobs_,
                       .workers = workers_,
                       .admission = admission_,
                       .ledger = jobs_.ledger(),
                       .moderator = moderator_,
                       .clock = clock_,
                       .cache = &dear});
  make(caller_, order(caller_));
  const Asking use{.cache = CacheWish::use};
  const Order hit = *images.submit(caller_, some_request(), use);
  EXPECT_EQ(images.finished(caller_, hit)->cost_usd_ticks, 7);
  const Asking again{.again = true, .cache = CacheWish::use};
  const Order retry = *images.submit(caller_, some_request(), again);
  EXPECT_EQ(retry.job.id, hit.job.id);
  EXPECT_TRUE(images.finished(caller_, retry));
  EXPECT_EQ(cached()[0].requests, 1) << "its own retry is not charged";
}

TEST_F(ImageServiceTest, NeverGivesAnotherTeamsPicturesAgain) {
  make(caller_, order(caller_));
  EXPECT_EQ(order(stranger_).cache, CacheUse::miss);
}

TEST_F(ImageServiceTest, APictureThatIsGoneIsNoHit) {
  make(caller_, order(caller_));
  clock_.advance_ms(1);
  ASSERT_EQ(*jobs_.remove_pictures(clock_.unix_ms(), 10), 1);
  const Order anew = order(caller_);
  EXPECT_EQ(anew.cache, CacheUse::miss);
  make(caller_, anew);
  EXPECT_EQ(order(caller_).job.id, anew.job.id);
}

TEST_F(ImageServiceTest, AHitThatHasExpiredIsAMiss) {
  make(caller_, order(caller_));
  clock_.advance_ms(9'999);
  EXPECT_EQ(order(caller_).cache, CacheUse::hit);
  clock_.advance_ms(1);
  EXPECT_EQ(order(caller_).cache, CacheUse::miss);
}

TEST_F(ImageServiceTest, MakesOnceWhatTwoAskForAtATime) {
  const Order first = order(caller_);
  const Order twin = order(caller_);
  EXPECT_EQ(twin.cache, CacheUse::hit);
  EXPECT_EQ(twin.job.id, first.job.id);
  EXPECT_TRUE(cached().empty()) << "nothing is charged before there is something";
  EXPECT_EQ(make(caller_, first).cost_usd_ticks, 7);
  EXPECT_EQ(images_.finished(caller_, twin)->cost_usd_ticks, 0);
  EXPECT_EQ(cached().size(), 1u);
  const Order strangers = order(stranger_);
  EXPECT_NE(strangers.job.id, first.job.id);
}

TEST_F(ImageServiceTest, ATwinOfWhatIsCancelledIsToldToAskAgain) {
  const Order first = order(caller_);
  const Order twin = order(caller_);
  ASSERT_TRUE(images_.cancel(caller_, first.job.id));
  EXPECT_EQ(images_.finished(caller_, first).error().code, ErrorCode::cancelled);
  EXPECT_EQ(images_.finished(caller_, twin).error().code, ErrorCode::unavailable);
  EXPECT_TRUE(cached().empty());
  EXPECT_EQ(order(caller_).cache, CacheUse::miss);
}

TEST_F(ImageServiceTest, UsesTheCacheWhenItsKeyOrTheRequestSaysSo) {
  make(caller_, order(caller_));
  const auto use_of = [&](bool by_key, Asking asking) {
    caller_.uses_cache = by_key;
    const CacheUse use = images_.submit(caller_, some_request(), asking)->cache;
    EXPECT_TRUE(try_claim());  // makes room in the queue
    return use;
  };
  EXPECT_EQ(use_of(true, {}), CacheUse::hit);
  EXPECT_EQ(use_of(true, {.cache = CacheWish::bypass}), CacheUse::bypass);
  EXPECT_EQ(use_of(false, {}), CacheUse::bypass);
  EXPECT_EQ(order(caller_, some_request(), {.idempotency_key = "k"}).cache, CacheUse::bypass);
}

TEST_F(ImageServiceTest, QueuesAJobForItsOwnerAndRingsTheBell) {
  const auto job = submit();
  ASSERT_TRUE(job);
  EXPECT_EQ(job->owner, caller_.owner);
  EXPECT_EQ(job->created_ms, clock_.unix_ms());
  EXPECT_EQ(job->deliver_by_ms, clock_.unix_ms() + 1000);
  EXPECT_EQ(images_.find(caller_, job->id)->state, JobState::queued);
  EXPECT_EQ(bell_.queued_count, 1);
}

TEST_F(ImageServiceTest, SettlesWhatIsSoldWhenTheJobIsTaken) {
  PictureRequest request = some_request();
  request.model = "fast";
  EXPECT_EQ(submit(request)->sold, (Sold{.model = "grok-imagine-image",
                                         .bill = {.per_picture_usd_ticks = 7},
                                         .steps = 4,
                                         .guidance = 3.0F}));
  EXPECT_EQ(std::get<PictureRequest>((*try_claim())->payload).model, "grok-imagine-image");
}

TEST_F(ImageServiceTest, SellsTheStepsAndTheGuidanceOfTheRequestAtTheSamePrice) {
  PictureRequest request = some_request();
  request.steps = 9;
  request.guidance = 5.5F;
  const Job job = *submit(std::move(request));
  EXPECT_EQ(job.sold.steps, 9);
  EXPECT_EQ(job.sold.guidance, 5.5F);
  EXPECT_EQ(job.sold.bill.per_picture_usd_ticks, 7);
}

TEST_F(ImageServiceTest, RefusesMoreStepsThanTheModelOffers) {
  PictureRequest request = some_request();
  request.steps = 13;
  const auto refused = submit(std::move(request));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().field, "steps");
  EXPECT_EQ(refused.error().message,
            "steps is 13, expected 1 to 12 for the model \"grok-imagine-image\"");
  EXPECT_TRUE(queue_is_empty());
}

TEST_F(ImageServiceTest, RefusesAtTheDoorWhatTheModelCannotDo) {
  const auto told = [&](Abilities abilities) {
    workers_.reports = {{.model = workers_.model, .abilities = abilities}};
  };
  const auto error_of = [&](JobPayload wanted) {
    auto taken = images_.submit(caller_, std::move(wanted));
    return taken ? Error{.message = "taken"} : taken.error();
  };
  told({.references_max = 0});
  EXPECT_EQ(error_of(some_edit(1)).field, "image");
  EXPECT_EQ(error_of(some_edit(1)).message,
            "image: the model \"grok-imagine-image\" takes no reference pictures");
  told({.references_max = 2});
  EXPECT_EQ(error_of(some_edit(3)).message,
            "image: the model \"grok-imagine-image\" takes 1 to 2 reference pictures, got 3");
  EditRequest masked = some_edit(1);
  masked.mask = std::string(64, 'b');
  EXPECT_EQ(error_of(masked).field, "mask");
  PictureRequest kept_away = some_request();
  kept_away.negative_prompt = Prompt::trusted("blue");
  EXPECT_EQ(error_of(kept_away).field, "negative_prompt");
  told({.guidance = GuidanceUse::embedded});
  EXPECT_EQ(error_of(kept_away).field, "negative_prompt");
  told({.guidance = GuidanceUse::true_passes});
  PictureRequest unguided = kept_away;
  unguided.guidance = 1;
  EXPECT_EQ(error_of(unguided).message,
            "negative_prompt: has no effect at guidance 1; ask for a guidance above 1");
  EXPECT_TRUE(queue_is_empty());

  EXPECT_EQ(error_of(kept_away).message, "taken") << "the model's own guidance is 3";
  told({.references_max = 1, .masks = true});
  EXPECT_EQ(error_of(masked).message, "taken");
}

TEST_F(ImageServiceTest, SaysHowManyReferencesWereGivenAndHowManyTheModelTakes) {
  const auto refusal = [&](int count) {
    const auto taken = images_.submit(caller_, some_edit(count));
    return taken ? "taken" : taken.error().message;
  };
  EXPECT_EQ(refusal(9), "image: a request takes 1 to 8 reference pictures, got 9")
      << "nobody has loaded the model yet";
  EXPECT_EQ(refusal(8), "taken");
  workers_.reports = {{.model = workers_.model, .abilities = Abilities{.references_max = 3}}};
  EXPECT_EQ(refusal(9),
            "image: the model \"grok-imagine-image\" takes 1 to 3 reference pictures, got 9");
  workers_.reports = {{.model = workers_.model, .abilities = Abilities{.references_max = 1}}};
  EXPECT_EQ(refusal(2), "image: the model \"grok-imagine-image\" takes 1 reference picture, got 2");
}

TEST_F(ImageServiceTest, RefusesAtTheDoorAPictureOfASizeThatTheModelCannotLookAt) {
  workers_.reports = {{.model = workers_.model,
                       .abilities = Abilities{.references_max = 2,
                                              .reference_side_px_min = 64,
                                              .reference_ratio_max = 8,
                                              .clip_frames_per_second = 8}}};
  const auto given = [&](int width, int height) {
    const std::vector<std::uint8_t> pixels(static_cast<std::size_t>(width * height * 3));
    return *blobs_.put(image::encode_png({width, height, 3, pixels}));
  };
  const auto refusal = [&](std::string first, std::string second) {
    EditRequest edit = some_edit(2);
    edit.references = {std::move(first), std::move(second)};
    const auto taken = images_.submit(caller_, edit);
    return taken ? Error{.message = "taken"} : taken.error();
  };
  constexpr std::string_view kAllowed =
      "the model \"grok-imagine-image\" takes pictures of at least 64 on each side, at most 8 "
      "times as long as wide";
  const std::string fine = given(64, 64);
  const Error small = refusal(fine, given(63, 400));
  EXPECT_EQ(small.message, fmt::format("image 2 has 63 x 400 pixels; {}", kAllowed));
  EXPECT_EQ(small.field, "image");
  EXPECT_EQ(small.code, ErrorCode::invalid_argument);
  EXPECT_EQ(refusal(given(801, 100), fine).message,
            fmt::format("image 1 has 801 x 100 pixels; {}", kAllowed));
  VideoRequest video = some_video();
  video.image = given(30, 30);
  EXPECT_EQ(images_.submit(caller_, video).error().message,
            fmt::format("image 1 has 30 x 30 pixels; {}", kAllowed));
  EXPECT_TRUE(queue_is_empty());
  const auto balances = *jobs_.ledger().balances();
  for (const auto& [account, usd_ticks] : balances) EXPECT_EQ(usd_ticks, 0) << account;
  EXPECT_EQ(refusal(given(100, 800), fine).message, "taken");
  EXPECT_EQ(refusal(fine, *blobs_.put(std::vector<std::uint8_t>{1, 2})).message, "taken")
      << "who decodes it says what it is";
}

TEST_F(ImageServiceTest, TurnsAPictureUprightBeforeItSaysItsSize) {
  const std::optional<Abilities> abilities =
      Abilities{.references_max = 1, .reference_side_px_min = 64, .reference_ratio_max = 8};
  workers_.reports = {{.model = workers_.model, .abilities = abilities}};
  // A JPEG of 40 x 20 that is to be turned right: SOI, APP1 with its orientation, SOF0.
  std::string file = "\xFF\xD8\xFF\xE1";
  file += std::string(
      "\0\x22"
      "Exif\0\0"
      "MM\0*\0\0\0\x08"
      "\0\x01"
      "\x01\x12\0\x03\0\0\0\x01\0\x06\0\0"
      "\0\0\0\0",
      34);
  file += std::string("\xFF\xC0\0\x0B\x08\0\x14\0\x28\x01\x01\x11\0", 13);
  EditRequest edit = some_edit(1);
  edit.references = {
      *blobs_.put({reinterpret_cast<const std::uint8_t*>(file.data()), file.size()})};
  EXPECT_TRUE(
      images_.submit(caller_, edit).error().message.starts_with("image 1 has 20 x 40 pixels;"));
}

TEST_F(ImageServiceTest, SaysWhatWouldHeedANegativePrompt) {
  PictureRequest request = some_request();
  request.model = "other";
  request.negative_prompt = Prompt::trusted("blue");
  const auto refusal = [&] { return submit(request).error().message; };
  workers_.reports = {
      {.model = "other", .abilities = Abilities{}},
      {.model = "big", .abilities = Abilities{.guidance = GuidanceUse::true_passes}}};
  EXPECT_EQ(
      refusal(),
      "negative_prompt: the model \"other\" has no true guidance, so it would have no effect; "
      "leave it out")
      << "what has guidance has one of 1";
  workers_.reports.push_back(
      {.model = workers_.model, .abilities = Abilities{.guidance = GuidanceUse::true_passes}});
  EXPECT_EQ(
      refusal(),
      "negative_prompt: the model \"other\" has no true guidance, so it would have no effect; "
      "leave it out, or ask the model \"grok-imagine-image\", whose guidance is 3");
  request.model = "big";
  EXPECT_EQ(refusal(),
            "negative_prompt: has no effect at guidance 1; ask for a guidance above 1, or ask the "
            "model \"grok-imagine-image\", whose guidance is 3");
  request.guidance = 0.5F;
  EXPECT_EQ(refusal(), "negative_prompt: has no effect at guidance 0.5; ask for a guidance above 1")
      << "with every model";
  request.guidance.reset();
  caller_.models = {"big"};
  EXPECT_EQ(refusal(), "negative_prompt: has no effect at guidance 1; ask for a guidance above 1")
      << "its key may not ask the other";
}

TEST_F(ImageServiceTest, SaysWhichModelMakesVideos) {
  const auto error_of = [&] { return images_.submit(caller_, some_video()).error(); };
  workers_.reports = {{.model = workers_.model, .abilities = Abilities{}}};
  EXPECT_EQ(error_of().code, ErrorCode::invalid_argument);
  EXPECT_EQ(error_of().message,
            "model: \"grok-imagine-image\" makes no videos, and no other model of this server "
            "does");
  workers_.reports.push_back(
      {.model = "other", .abilities = Abilities{.clip_frames_per_second = 8}});
  EXPECT_EQ(error_of().message, "model: \"grok-imagine-image\" makes no videos; \"other\" does");
  EXPECT_EQ(error_of().field, "model");
  VideoRequest edit = some_video();
  edit.task = VideoTask::edit;
  edit.seconds = kEditedSecondsReserved;
  edit.video = std::string(64, 'a');
  workers_.reports = {
      {.model = workers_.model, .abilities = Abilities{.clip_frames_per_second = 8}}};
  EXPECT_EQ(images_.submit(caller_, edit).error().field, "video");
}

TEST_F(ImageServiceTest, SaysWhichModelMakesPictures) {
  const auto error_of = [&] { return images_.submit(caller_, some_request()).error(); };
  const Abilities videos{.pictures = false, .clip_frames_per_second = 8};
  workers_.reports = {{.model = workers_.model, .abilities = videos}};
  EXPECT_EQ(error_of().code, ErrorCode::invalid_argument);
  EXPECT_EQ(error_of().message,
            "model: \"grok-imagine-image\" makes no pictures, and no other model of this server "
            "does");
  workers_.reports.push_back({.model = "other", .abilities = Abilities{}});
  EXPECT_EQ(error_of().message, "model: \"grok-imagine-image\" makes no pictures; \"other\" does");
  EXPECT_EQ(error_of().field, "model");
}

TEST_F(ImageServiceTest, RefusesAVideoThatCannotBe) {
  for (const int seconds : {0, 16}) {
    VideoRequest wanted = some_video();
    wanted.seconds = seconds;
    EXPECT_EQ(images_.submit(caller_, wanted).error().field, "duration");
  }
  VideoRequest extension = some_video();
  extension.task = VideoTask::extension;
  extension.seconds = 11;
  EXPECT_EQ(images_.submit(caller_, extension).error().message,
            "duration is 11, expected 1 to 10 seconds");
  extension.seconds = 10;
  EXPECT_EQ(images_.submit(caller_, extension).error().field, "video") << "of which there is none";
  Caller drawer = caller_;
  drawer.scopes = ScopeSet().add(Scope::images).add(Scope::edits);
  EXPECT_EQ(images_.submit(drawer, some_video()).error().code, ErrorCode::unauthenticated);
}

TEST_F(ImageServiceTest, SellsVideosByTheSecond) {
  VideoRequest wanted = some_video();
  wanted.seconds = 5;
  wanted.resolution = VideoResolution::p720;
  wanted.image = std::string(64, 'a');
  const auto order = images_.submit(caller_, wanted, {.deferred = true});
  ASSERT_TRUE(order) << order.error().message;
  const auto held = [&] { return (*jobs_.ledger().balances())[held_of(caller_.owner)]; };
  EXPECT_EQ(held(), 5 * 13 + 5) << "720p, and a picture that was given";
  const std::vector<std::string> models = {"grok-imagine-image"};
  constexpr JobKind kKinds[] = {JobKind::videos};
  const auto claimed =
      **jobs_.claim({.worker_id = "w", .models = models, .kinds = kKinds, .lease_ms = 1000});
  const Completion made[] = {
      {.lease = claimed.lease(),
       .pictures = {{.id = "clip", .job_id = order->job.id, .format = FileFormat::mp4}},
       .pieces = 4}};
  ASSERT_TRUE(jobs_.complete_all(made).front());
  EXPECT_EQ(held(), 0);
  EXPECT_EQ(images_.finished(caller_, order->job.id)->cost_usd_ticks, 4 * 13 + 5)
      << "what was made is what is paid for";
}

TEST_F(ImageServiceTest, SaysThatAModelCouldNotBeLoaded) {
  workers_.model = "other";
  workers_.reports = {{.model = "grok-imagine-image", .abilities = {}}};
  const auto refused = submit();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::unavailable);
  EXPECT_EQ(
      refused.error().message,
      "the model \"grok-imagine-image\" could not be loaded; the log of this server says why");
}

TEST_F(ImageServiceTest, RefusesWhatBreaksTheRulesAndQueuesNothing) {
  PictureRequest unknown_model = some_request();
  unknown_model.model = "flux-1.1-pro";
  EXPECT_EQ(submit(unknown_model).error().field, "model");
  PictureRequest too_many = some_request();
  too_many.count = 11;
  EXPECT_EQ(submit(too_many).error().field, "n");
  PictureRequest too_long = some_request();
  too_long.prompt = *Prompt::parse(std::string(21, 'x'), 8000);
  EXPECT_EQ(submit(too_long).error().message,
            "Prompt len is larger than the maximum allowed length which is 20");
  PictureRequest long_user = some_request();
  long_user.user = std::string(513, 'u');
  EXPECT_EQ(submit(long_user).error().field, "user");
  EXPECT_EQ(submit(some_request(), std::string(256, 'k')).error().field, "idempotency_key");
  EXPECT_EQ(submit(some_request(), "a b").error().field, "idempotency_key");
  EXPECT_TRUE(queue_is_empty());
  EXPECT_EQ(bell_.queued_count, 0);
}

TEST_F(ImageServiceTest, TakesJobsForModelsThatOnlyWorkersElsewhereHave) {
  PictureRequest request = some_request();
  request.model = "big";
  const auto job = submit(request);
  ASSERT_TRUE(job) << job.error().message;
  EXPECT_EQ(job->sold.model, "big");
  request.model = "other";
  EXPECT_EQ(submit(request).error().code, ErrorCode::unavailable);
}

// 20 s a job, two at a time: in 10 s there is room.
TEST_F(ImageServiceTest, SaysWhenAFullQueueHasRoomByTheMeasuredPace) {
  ASSERT_TRUE(submit());
  const auto first = try_claim();
  clock_.advance_ms(20'000);
  ASSERT_TRUE(jobs_.complete((*first)->lease(), {}));
  for (int i = 0; i < 4; ++i) {
    ASSERT_TRUE(submit());
    if (i >= 2) continue;
    EXPECT_TRUE(*try_claim());
  }
  const auto refused = submit();
  EXPECT_EQ(refused.error().code, ErrorCode::resource_exhausted);
  EXPECT_EQ(refused.error().retry_after_ms, 10'000);
}

TEST_F(ImageServiceTest, GivesAJobTimeByThePaceOfTheQueueWhereNobodyHasSetATime) {
  ImageService unhurried({.catalogue = catalogue_,
                          .queue = queue_,
                          .archive = jobs_,
                          .blobs = blobs_,
                          .workers = workers_,
                          .admission = admission_,
                          .ledger = jobs_.ledger(),
                          .moderator = moderator_,
                          .clock = clock_},
                         {.queue_limit = 3});
  const auto wait_ms = [&] {
    const auto order = unhurried.submit(caller_, some_request());
    return order ? order->job.deliver_by_ms - clock_.unix_ms() : 0;
  };
  constexpr std::int64_t kHourMs = 3'600'000;
  EXPECT_EQ(wait_ms(), 24 * kHourMs);  // nothing is known
  const auto first = try_claim();
  clock_.advance_ms(kHourMs);
  ASSERT_TRUE(jobs_.complete((*first)->lease(), {}));
  EXPECT_EQ(wait_ms(), kHourMs);  // nobody waits
  EXPECT_EQ(wait_ms(), 4 * kHourMs);
  EXPECT_EQ(wait_ms(), 8 * kHourMs);
}

TEST_F(ImageServiceTest, WaitsForAJobThatIsMadeOrWhoseWorkerIsAtWork) {
  const auto first = submit();
  const auto gets_on = [&](const Job& job) { return *images_.gets_on(caller_, job.id); };
  EXPECT_FALSE(gets_on(*first));  // nobody works
  ASSERT_TRUE(*try_claim());
  EXPECT_TRUE(gets_on(*first));
  const auto second = submit();
  EXPECT_TRUE(gets_on(*second));
  workers_.model = "other";
  EXPECT_FALSE(gets_on(*second));
  EXPECT_TRUE(gets_on(*first));
  EXPECT_EQ(images_.gets_on(stranger_, first->id).error().code, ErrorCode::not_found);
}

TEST_F(ImageServiceTest, RefusesJobsWhenTheQueueIsFull) {
  ASSERT_TRUE(submit());
  ASSERT_TRUE(submit());
  const auto refused = submit();
  EXPECT_EQ(refused.error().code, ErrorCode::resource_exhausted);
  EXPECT_EQ(refused.error().message, "the queue is full: 2 jobs are waiting");
  EXPECT_EQ(bell_.queued_count, 2);
}

TEST_F(ImageServiceTest, RefusesJobsWhenThereIsNoRoomForPictures) {
  blobs_.room_error = Error{ErrorCode::storage_full, "no room left to store data"};
  EXPECT_EQ(submit().error().code, ErrorCode::storage_full);
  EXPECT_TRUE(queue_is_empty());
}

TEST_F(ImageServiceTest, RefusesJobsThatNoWorkerCouldMake) {
  PictureRequest request = some_request();
  request.model = "other";
  EXPECT_EQ(submit(request).error().message, "no worker has the model \"other\" at the moment");
  workers_.ready = false;
  const auto refused = submit();
  EXPECT_EQ(refused.error().code, ErrorCode::unavailable);
  EXPECT_EQ(refused.error().message, "the worker is starting; try again in a moment");
  EXPECT_TRUE(queue_is_empty());
}

TEST_F(ImageServiceTest, GivesTheSameJobForTheSameIdempotencyKey) {
  const Job job = *submit(some_request(), "once");
  EXPECT_EQ(submit(some_request(), "once")->id, job.id);
  EXPECT_EQ(bell_.queued_count, 1);
  PictureRequest other = some_request();
  other.count = 2;
  EXPECT_EQ(submit(other, "once").error().code, ErrorCode::unprocessable);
}

TEST_F(ImageServiceTest, AnswersARequestThatIsAskedAgainWithoutRoomOrWorkers) {
  const Job job = *submit(some_request(), "once");
  blobs_.room_error = Error{ErrorCode::storage_full, "no room left to store data"};
  workers_.ready = false;
  EXPECT_EQ(submit(some_request(), "once")->id, job.id);
  EXPECT_EQ(submit(some_request(), "another").error().code, ErrorCode::storage_full);
}

// A server that was killed and started again: the client's own retry comes before its worker.
TEST_F(ImageServiceTest, AnswersAnSdkThatLostItsAnswerWhileTheWorkerStarts) {
  const Job job = *submit(some_request());
  workers_.ready = false;
  const Asking again{.again = true};
  EXPECT_EQ(images_.submit(caller_, some_request(), again)->job.id, job.id);
  EXPECT_EQ(bell_.queued_count, 1);
}

TEST_F(ImageServiceTest, NoVerbShowsAnotherTeamsJobOrPicture) {
  const Job job = succeed();
  EXPECT_EQ(images_.find(stranger_, job.id).error().code, ErrorCode::not_found);
  EXPECT_EQ(images_.cancel(stranger_, job.id).error().code, ErrorCode::not_found);
  EXPECT_EQ(images_.finished(stranger_, job.id).error().code, ErrorCode::not_found);
  EXPECT_EQ(images_.read_picture(stranger_, "pic0").error().message,
            "there is no picture \"pic0\"");
  EXPECT_EQ(images_.read_picture(caller_, "never").error().message,
            "there is no picture \"never\"");
  const Job queued = *submit();
  EXPECT_EQ(images_.cancel(stranger_, queued.id).error().code, ErrorCode::not_found);
  EXPECT_EQ(images_.find(caller_, queued.id)->state, JobState::queued);
}

TEST_F(ImageServiceTest, ATeamIsOneOfItsOrganisation) {
  const Job job = succeed();
  Caller namesake = caller_;
  namesake.owner.org_id = "elsewhere";
  EXPECT_EQ(images_.find(namesake, job.id).error().code, ErrorCode::not_found);
  Caller colleague = caller_;
  colleague.owner.key_id = "another key of the team";
  EXPECT_TRUE(images_.find(colleague, job.id));
}

TEST_F(ImageServiceTest, MakesNoPictureWithAModelThatTheKeyMayNotUse) {
  caller_.models = {"other"};
  EXPECT_EQ(submit().error().reason, ErrorReason::wrong_scope);
  caller_.models = {"other", "grok-imagine-image"};
  EXPECT_TRUE(submit());
}

TEST_F(ImageServiceTest, NoVerbWorksWithoutTheScope) {
  const Job job = succeed();
  caller_.scopes = ScopeSet().add(Scope::models);
  for (const auto& error :
       {submit().error(), images_.find(caller_, job.id).error(),
        images_.cancel(caller_, job.id).error(), images_.finished(caller_, job.id).error(),
        images_.read_picture(caller_, "pic0").error()}) {
    EXPECT_EQ(error.reason, ErrorReason::wrong_scope);
    EXPECT_EQ(error.message,
              "This API key is not allowed to do this: it lacks the scope \"image:generate\".");
  }
}

TEST_F(ImageServiceTest, ReadsWhatBecameOfAnEditWithTheScopeOfEditsAlone) {
  const Job job = succeed();
  caller_.scopes = ScopeSet().add(Scope::edits);
  EXPECT_TRUE(images_.finished(caller_, job.id));
  EXPECT_TRUE(images_.read_picture(caller_, "pic0"));
  EXPECT_EQ(submit().error().reason, ErrorReason::wrong_scope);
  EXPECT_TRUE(images_.submit(caller_, some_edit(1)));
  caller_.scopes = ScopeSet().add(Scope::images);
  EXPECT_THAT(images_.submit(caller_, some_edit(1)).error().message,
              testing::HasSubstr("\"image:edit\""));
}

TEST_F(ImageServiceTest, SellsEachReferenceOnce) {
  EditRequest edit = some_edit(3);
  edit.pictures.count = 2;
  const auto order = images_.submit(caller_, edit);
  ASSERT_TRUE(order) << order.error().message;
  const Job& job = order->job;
  EXPECT_EQ(job.kind, JobKind::edits);
  EXPECT_EQ(job.sold.bill, (Bill{.per_picture_usd_ticks = 7, .once_usd_ticks = 15}));
  EXPECT_EQ(job.sold.bill.cost_usd_ticks(2), 29);
  EXPECT_EQ(job.sold.bill.cost_usd_ticks(0), 0);
}

TEST_F(ImageServiceTest, TakesOneToEightReferences) {
  for (const int count : {0, 9}) {
    const Error error = images_.submit(caller_, some_edit(count)).error();
    EXPECT_EQ(error.code, ErrorCode::invalid_argument) << count;
    EXPECT_EQ(error.field, "image") << count;
  }
  EXPECT_TRUE(images_.submit(caller_, some_edit(8)));
}

TEST_F(ImageServiceTest, CancelsRingsAndTells) {
  const Job job = *submit();
  int told = 0;
  const auto subscription = events_.subscribe(job.id, [&](const JobEvent&) { ++told; });
  EXPECT_EQ(images_.cancel(caller_, job.id)->state, JobState::cancelled);
  EXPECT_EQ(bell_.cancelled, std::vector<std::string>{job.id});
  EXPECT_EQ(told, 1);
}

TEST_F(ImageServiceTest, DoesNotRingForAJobThatHasEndedAlready) {
  const Job job = succeed();
  EXPECT_EQ(images_.cancel(caller_, job.id)->state, JobState::succeeded);
  EXPECT_TRUE(bell_.cancelled.empty());
}

TEST_F(ImageServiceTest, BillsThePicturesAtThePriceOfTheSale) {
  const Job job = succeed(3);
  const auto finished = images_.finished(caller_, job.id);
  ASSERT_TRUE(finished);
  EXPECT_EQ(finished->job.id, job.id);
  ASSERT_EQ(finished->pictures.size(), 3u);
  EXPECT_EQ(finished->pictures[2].id, "pic2");
  EXPECT_EQ(finished->cost_usd_ticks, 21);
}

TEST_F(ImageServiceTest, SaysWhyThereIsNothingFinished) {
  const Job failing = *submit();
  EXPECT_EQ(images_.finished(caller_, failing.id).error().code, ErrorCode::failed_precondition);
  ASSERT_TRUE(jobs_.fail((*try_claim())->lease(), {ErrorCode::storage_full, "no room"}));
  EXPECT_EQ(images_.finished(caller_, failing.id).error().message, "no room");
  const Job cancelled = *submit();
  ASSERT_TRUE(images_.cancel(caller_, cancelled.id));
  EXPECT_EQ(images_.finished(caller_, cancelled.id).error().code, ErrorCode::cancelled);
}

TEST_F(ImageServiceTest, ReadsAPictureWithItsBytes) {
  succeed();
  const auto file = images_.read_picture(caller_, "pic0");
  ASSERT_TRUE(file);
  EXPECT_EQ(file->bytes, (std::vector<std::uint8_t>{1, 2, 3}));
  EXPECT_EQ(images_.read_picture(caller_, "other").error().code, ErrorCode::not_found);
}

TEST_F(ImageServiceTest, CallsAPictureDamagedOnlyWhenItsBytesAreLost) {
  succeed();
  for (const ErrorCode lost : {ErrorCode::not_found, ErrorCode::data_loss}) {
    blobs_.get_error = Error{lost, "gone"};
    EXPECT_EQ(images_.read_picture(caller_, "pic0").error().code, ErrorCode::data_loss);
  }
  // A store that cannot say now has lost nothing.
  for (const ErrorCode busy : {ErrorCode::unavailable, ErrorCode::deadline_exceeded}) {
    blobs_.get_error = Error{busy, "the storage folder cannot be used"};
    EXPECT_EQ(images_.read_picture(caller_, "pic0").error().code, busy);
  }
}

TEST_F(ImageServiceTest, RescueRingsForQueuedJobsAndTellsOfFailedOnes) {
  const Job job = *submit();
  std::vector<JobEvent> told;
  const auto subscription =
      events_.subscribe(job.id, [&](const JobEvent& event) { told.push_back(event); });
  ASSERT_TRUE(*try_claim());
  EXPECT_EQ(queue_.rescue(Stranded::of_worker("w")), 1);
  EXPECT_EQ(bell_.queued_count, 2);
  EXPECT_TRUE(told.empty());
  ASSERT_TRUE(*try_claim());
  EXPECT_EQ(queue_.rescue(Stranded::of_worker("w")), 1);
  EXPECT_EQ(bell_.queued_count, 2);
  ASSERT_EQ(told.size(), 1u);
  EXPECT_EQ(told[0].kind, JobEvent::Kind::finished);
}

TEST_F(ImageServiceTest, TellsWhoWaitsForAJobThatNobodyBeganInTime) {
  const Job job = *submit();
  int told = 0;
  const auto subscription = events_.subscribe(job.id, [&](const JobEvent&) { ++told; });
  clock_.advance_ms(999);
  EXPECT_EQ(queue_.end_overdue(), 0);
  clock_.advance_ms(1);
  EXPECT_EQ(queue_.end_overdue(), 1);
  EXPECT_EQ(told, 1);
  EXPECT_EQ(images_.finished(caller_, job.id).error().code, ErrorCode::deadline_exceeded);
}

}  // namespace
}  // namespace imagined::service
