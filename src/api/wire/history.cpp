#include "api/wire/history.h"

#include "base/json_text.h"
#include "base/timestamp.h"
#include "service/billing/money.h"

namespace imagined::api::wire {
namespace {

using service::HistoryDesk;

JsonText time_or_null(std::int64_t unix_ms) {
  return unix_ms == 0 ? JsonText() : JsonText(to_timestamp(unix_ms));
}

JsonText number_or_null(const std::optional<std::int64_t>& value) {
  return value ? JsonText(*value) : JsonText();
}

JsonText picture_value(const LinkedMadePicture& linked) {
  const service::StoredPicture& picture = linked.made.picture;
  return JsonText::object({{"id", picture.id},
                           {"jobId", picture.job_id},
                           {"url", linked.url},
                           {"keyId", linked.made.owner.key_id},
                           {"model", linked.made.model},
                           {"prompt", linked.made.prompt},
                           {"width", picture.width},
                           {"height", picture.height},
                           {"format", to_string(picture.format)},
                           {"durationMs", picture.duration_ms},
                           {"sizeBytes", picture.size_bytes},
                           // Numbers above 2^53 would lose digits in a browser.
                           {"seed", std::to_string(picture.seed)},
                           {"createTime", to_timestamp(picture.created_ms)},
                           {"usd", service::format_usd(linked.made.usd_ticks)},
                           {"costInUsdTicks", linked.made.usd_ticks}});
}

JsonText job_value(const HistoryDesk::SeenJob& seen) {
  const service::Job& job = seen.made.job;
  JsonText value =
      JsonText::object({{"id", job.id},
                        {"state", service::to_string(job.state)},
                        {"kind", job.kind ? service::to_string(*job.kind) : std::string_view()},
                        {"keyId", job.owner.key_id},
                        {"model", job.sold.model},
                        {"prompt", seen.made.prompt},
                        {"pictures", seen.made.pictures},
                        {"attempt", job.attempt},
                        {"workerId", job.worker_id},
                        {"createTime", to_timestamp(job.created_ms)},
                        {"startTime", time_or_null(job.started_ms)},
                        {"finishTime", time_or_null(job.finished_ms)}});
  if (service::is_final(job.state) && job.state != service::JobState::succeeded)
    value.add("reason", service::reason_of(job).message);
  if (seen.progress)
    value.add("progress", JsonText::object({{"picture", seen.progress->picture},
                                            {"step", seen.progress->step},
                                            {"steps", seen.progress->steps}}));
  return value;
}

JsonText budget_value(const service::Amount& used, const std::optional<std::int64_t>& usd_ticks,
                      const std::optional<std::int64_t>& pictures) {
  return JsonText::object({{"usedUsdTicks", used.usd_ticks},
                           {"usedPictures", used.pictures},
                           {"limitUsdTicks", number_or_null(usd_ticks)},
                           {"limitPictures", number_or_null(pictures)}});
}

}  // namespace

std::string pictures_body(std::span<const LinkedMadePicture> pictures, std::string_view next) {
  JsonText items = JsonText::array();
  for (const LinkedMadePicture& each : pictures) items.push(picture_value(each));
  JsonText body = JsonText::object({{"pictures", items}});
  if (!next.empty()) body.add("nextPageToken", next);
  return body.text();
}

std::string link_body(std::string_view id, std::string_view url) {
  return JsonText::object({{"id", id}, {"url", url}}).text();
}

std::string jobs_body(const HistoryDesk::Page<HistoryDesk::SeenJob>& page) {
  JsonText items = JsonText::array();
  for (const HistoryDesk::SeenJob& each : page.rows) items.push(job_value(each));
  JsonText body = JsonText::object({{"jobs", items}});
  if (!page.next.empty()) body.add("nextPageToken", page.next);
  return body.text();
}

std::string blocked_body(std::span<const service::BlockedRequest> blocked) {
  JsonText items = JsonText::array();
  for (const service::BlockedRequest& each : blocked)
    items.push(JsonText::object({{"time", to_timestamp(each.at_ms)},
                                 {"keyId", each.key_id},
                                 {"user", each.user},
                                 {"model", each.model},
                                 {"outcome", service::row_of(each.outcome).name},
                                 {"message", each.why}}));
  return JsonText::object({{"events", items}}).text();
}

std::string refused_body(std::span<const service::LimitRefusal> refused) {
  JsonText items = JsonText::array();
  for (const service::LimitRefusal& each : refused)
    items.push(JsonText::object({{"time", to_timestamp(each.at_ms)},
                                 {"keyId", each.owner.key_id},
                                 {"model", each.model},
                                 {"message", each.message}}));
  return JsonText::object({{"refusals", items}}).text();
}

std::string work_body(const HistoryDesk::Work& work) {
  const JsonText worker = JsonText::object({{"device", work.device},
                                            {"ready", work.is_ready},
                                            {"starts", work.starts},
                                            {"memoryBytes", work.memory_bytes},
                                            {"jobsPerMinute", work.pace.per_minute},
                                            {"meanRunMs", work.pace.run_ms}});
  return JsonText::object({{"queued", work.pace.queued},
                           {"running", work.pace.running},
                           {"workers", JsonText::array().push(worker)}})
      .text();
}

std::string budgets_body(const service::Budgets& budgets) {
  const service::Allowance& team = budgets.team;
  return JsonText::object(
             {{"today", budget_value(budgets.today, team.usd_ticks_per_day, team.pictures_per_day)},
              {"thisMonth",
               budget_value(budgets.this_month, team.usd_ticks_per_month, team.pictures_per_month)},
              {"rates", JsonText::object({{"qps", budgets.rates.per_second},
                                          {"qpm", budgets.rates.per_minute}})}})
      .text();
}

}  // namespace imagined::api::wire
