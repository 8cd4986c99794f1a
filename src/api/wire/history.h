// What people see of their team's work.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "service/accounts/usage_desk.h"
#include "service/history/history_desk.h"

namespace imagined::api::wire {

struct LinkedMadePicture {
  const service::MadePicture& made;
  std::string url;
};
/// `{"pictures": [...]}`; `next` empty: it is the last page.
std::string pictures_body(std::span<const LinkedMadePicture> pictures, std::string_view next);
/// `{"id", "url"}`
std::string link_body(std::string_view id, std::string_view url);
std::string jobs_body(const service::HistoryDesk::Page<service::HistoryDesk::SeenJob>& page);
std::string blocked_body(std::span<const service::BlockedRequest> blocked);
std::string refused_body(std::span<const service::LimitRefusal> refused);
std::string work_body(const service::HistoryDesk::Work& work);
std::string budgets_body(const service::Budgets& budgets);

}  // namespace imagined::api::wire
