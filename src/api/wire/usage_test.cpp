#include "api/wire/usage.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace imagined::api::wire {
namespace {

using nlohmann::json;

service::UsageRow some_row() {
  return {.day = "2026-11-28",
          .team_id = "default",
          .key_id = "Ab3dE6gH9jKl",
          .model = "grok-imagine-image",
          .user = "alice",
          .requests = 2,
          .pictures = 3,
          .usd_ticks = 600'000'000};
}

TEST(UsageBody, HasEveryColumnAndMoneyInBothForms) {
  const service::UsageRow rows[] = {some_row()};
  EXPECT_EQ(json::parse(usage_body(rows)), json::parse(R"({"usage": [
      {"day": "2026-11-28", "team": "default", "key_id": "Ab3dE6gH9jKl",
       "model": "grok-imagine-image", "user": "alice", "outcome": "delivered", "requests": 2,
       "pictures": 3, "usd": "0.06", "cost_in_usd_ticks": 600000000}]})"));
  EXPECT_EQ(json::parse(usage_body(rows, 7))["nextPageToken"], "7");
}

TEST(UsageCsv, QuotesWhatPeopleHaveNamed) {
  service::UsageRow row = some_row();
  row.user = "al\"ice,\n";
  const service::UsageRow rows[] = {row};
  EXPECT_EQ(usage_csv(rows),
            "day,team,key_id,model,user,outcome,requests,pictures,usd\r\n"
            "2026-11-28,\"default\",\"Ab3dE6gH9jKl\",\"grok-imagine-image\",\"al\"\"ice,\n\","
            "delivered,2,3,0.06\r\n");
}

TEST(UsageCsv, MakesAFormulaText) {
  for (const char* formula : {"=1+1", "+1", "-1", "@sum", "\t=1"}) {
    service::UsageRow row = some_row();
    row.user = formula;
    const service::UsageRow rows[] = {row};
    EXPECT_NE(usage_csv(rows).find(std::string("\"'") + formula), std::string::npos) << formula;
  }
}

}  // namespace
}  // namespace imagined::api::wire
