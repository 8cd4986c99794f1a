#include "api/wire/usage.h"

#include <fmt/core.h>

#include <string_view>

#include "base/json_text.h"
#include "service/billing/money.h"

namespace imagined::api::wire {
namespace {

using service::UsageRow;

std::string_view outcome_of(const UsageRow& row) { return service::row_of(row.outcome).name; }

std::string cell(std::string_view text) {
  std::string quoted = "\"";
  if (!text.empty() && std::string_view("=+-@\t\r").find(text.front()) != std::string_view::npos)
    quoted += '\'';
  for (const char c : text) {
    if (c == '"') quoted += '"';
    quoted += c;
  }
  return quoted + "\"";
}

}  // namespace

std::string usage_body(std::span<const UsageRow> rows, std::int64_t next_row) {
  JsonText items = JsonText::array();
  for (const UsageRow& row : rows) {
    items.push(JsonText::object({{"day", row.day},
                                 {"team", row.team_id},
                                 {"key_id", row.key_id},
                                 {"model", row.model},
                                 {"user", row.user},
                                 {"outcome", outcome_of(row)},
                                 {"requests", row.requests},
                                 {"pictures", row.pictures},
                                 {"usd", service::format_usd(row.usd_ticks)},
                                 {"cost_in_usd_ticks", row.usd_ticks}}));
  }
  JsonText body = JsonText::object({{"usage", items}});
  if (next_row > 0) body.add("nextPageToken", fmt::format("{}", next_row));
  return body.text();
}

std::string usage_csv(std::span<const UsageRow> rows) {
  std::string text = "day,team,key_id,model,user,outcome,requests,pictures,usd\r\n";
  for (const UsageRow& row : rows) {
    text += fmt::format("{},{},{},{},{},{},{},{},{}\r\n", row.day, cell(row.team_id),
                        cell(row.key_id), cell(row.model), cell(row.user), outcome_of(row),
                        row.requests, row.pictures, service::format_usd(row.usd_ticks));
  }
  return text;
}

}  // namespace imagined::api::wire
