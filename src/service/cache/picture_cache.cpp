#include "service/cache/picture_cache.h"

#include <array>
#include <utility>

#include "base/log.h"

namespace imagined::service {
namespace {

constexpr std::array<std::string_view, 3> kUses = {"bypass", "miss", "hit"};

void say_failed(const Error& error) {
  log(LogLevel::warn, "cache_failed", "reason={:?} detail={:?}", error.message, error.detail);
}

}  // namespace

std::string_view to_string(CacheUse use) { return kUses[static_cast<std::size_t>(use)]; }

std::optional<PictureCache::Found> PictureCache::find(const Caller& caller, std::string_view key,
                                                      int count) {
  auto found = look_up(caller, key, count);
  if (found) return std::move(*found);
  say_failed(found.error());
  return std::nullopt;
}

Result<std::optional<PictureCache::Found>> PictureCache::look_up(const Caller& caller,
                                                                 std::string_view key, int count) {
  const std::string& team_id = caller.owner.team_id;
  const auto job_id = TRY(store_.find(team_id, key));
  if (!job_id) return std::optional<Found>();
  auto job = queue_.find(caller, *job_id);
  if (!job && job.error().code != ErrorCode::not_found) return tl::unexpected(job.error());
  if (job && !is_final(job->state)) return std::optional<Found>();  // a clip in the making
  if (job && job->state == JobState::succeeded) {
    auto pictures = TRY(archive_.pictures(job->id));
    if (std::ssize(pictures) == count)
      return std::optional(Found{.job = std::move(*job), .pictures = std::move(pictures)});
  }
  TRY(store_.remove(team_id, key, *job_id));
  return std::optional<Found>();
}

void PictureCache::put(std::string_view key, const Job& job) {
  const std::int64_t made_ms = is_final(job.state) ? job.finished_ms : job.created_ms;
  const auto kept = store_.put({.team_id = job.owner.team_id,
                                .key = std::string(key),
                                .job_id = job.id,
                                .expires_ms = made_ms + options_.life_ms});
  if (!kept) say_failed(kept.error());
}

}  // namespace imagined::service
