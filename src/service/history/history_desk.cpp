#include "service/history/history_desk.h"

#include <utility>

#include "base/crypto.h"
#include "service/pictures/find_picture.h"
#include "service/pictures/remove_picture.h"

namespace imagined::service {
namespace {

constexpr std::size_t kPictureIdLetters = 22;  // as pictures have from the beginning

const std::string& id_of(const MadePicture& row) { return row.picture.id; }
const std::string& id_of(const MadeJob& row) { return row.job.id; }

/// Of rows that are one more than were wanted, where there is another page.
template <class Row>
HistoryDesk::Page<Row> page_of(std::vector<Row> rows, int count_max) {
  HistoryDesk::Page<Row> page{.rows = std::move(rows)};
  if (std::ssize(page.rows) <= count_max) return page;
  page.rows.pop_back();
  page.next = id_of(page.rows.back());
  return page;
}

}  // namespace

HistoryQuery HistoryDesk::query(const Visit& visit, const Wish& wish) const {
  return {.org_id = visit.caller.owner.org_id,
          .team_id = visit.caller.owner.team_id,
          .words = wish.words,
          .before = wish.before,
          .count_max = wish.count_max + 1};
}

Result<HistoryDesk::Page<MadePicture>> HistoryDesk::pictures(const Visit& visit, const Wish& wish) {
  TRY(enter(visit, Role::member));
  return page_of(TRY(parts_.history.pictures(query(visit, wish))), wish.count_max);
}

Result<StoredPicture> HistoryDesk::find_to_change(const Visit& visit, std::string_view picture_id) {
  TRY(enter(visit, Role::member));
  StoredPicture picture = TRY(find_picture(parts_.archive, picture_id));
  const auto job = parts_.queue.find(visit.caller, picture.job_id);
  if (!job && job.error().code == ErrorCode::not_found) return no_such_picture(picture_id);
  if (!job) return tl::unexpected(job.error());
  if (job->owner.key_id != visit.caller.owner.key_id) TRY(require(visit.caller, Role::admin));
  return picture;
}

Result<void> HistoryDesk::remove(const Visit& visit, std::string_view picture_id) {
  TRY(find_to_change(visit, picture_id));
  return remove_picture(parts_.archive, parts_.blobs, parts_.clock, picture_id);
}

Result<StoredPicture> HistoryDesk::readdress(const Visit& visit, std::string_view picture_id) {
  StoredPicture picture = TRY(find_to_change(visit, picture_id));
  const std::string new_id = random_base62(kPictureIdLetters);
  TRY(parts_.history.rename_picture(picture.id, new_id));
  picture.id = new_id;
  return picture;
}

Result<HistoryDesk::Page<HistoryDesk::SeenJob>> HistoryDesk::jobs(const Visit& visit,
                                                                  const Wish& wish) {
  TRY(enter(visit, Role::member));
  auto page = page_of(TRY(parts_.history.jobs(query(visit, wish))), wish.count_max);
  Page<SeenJob> seen{.next = std::move(page.next)};
  for (MadeJob& made : page.rows) {
    const bool runs = made.job.state == JobState::running;
    auto progress = runs ? parts_.events.progress_of(made.job.id) : std::nullopt;
    seen.rows.push_back({.made = std::move(made), .progress = std::move(progress)});
  }
  return seen;
}

Result<std::vector<BlockedRequest>> HistoryDesk::blocked(const Visit& visit, int count_max) {
  TRY(enter(visit, Role::member));
  HistoryQuery wanted = query(visit, {});
  wanted.count_max = count_max;
  return parts_.history.blocked(wanted);
}

Result<std::vector<LimitRefusal>> HistoryDesk::refused(const Visit& visit) {
  TRY(enter(visit, Role::member));
  return parts_.admission.refused(visit.caller);
}

Result<HistoryDesk::Work> HistoryDesk::work(const Visit& visit) {
  TRY(enter(visit, Role::member));
  return Work{.pace = TRY(parts_.queue.pace()),
              .device = device_,
              .is_ready = parts_.workers.is_ready(),
              .starts = parts_.workers.starts(),
              .memory_bytes = parts_.workers.memory_bytes()};
}

}  // namespace imagined::service
