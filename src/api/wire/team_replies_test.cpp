#include "api/wire/team_replies.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace imagined::api::wire {
namespace {

using nlohmann::json;

constexpr std::int64_t kNowMs = 1'795'392'000'000;

class NobodyThere : public service::WorkerPool {
 public:
  bool is_ready() const override { return false; }
  bool accepts(std::string_view) const override { return false; }
};

TEST(TeamModels, AreThoseOfOneClusterWithPricesAndLimitsAsTexts) {
  const auto catalogue = service::Catalogue::make(
      {{.id = "fast", .aliases = {"quick"}, .price_usd_ticks = 200'000'000}}, {});
  const json body = json::parse(
      team_models_body(*catalogue, NobodyThere(), {.per_second = 5, .per_minute = 300}));
  const json& cluster = body["clusterConfigs"][0];
  for (const char* none : {"languageModels", "embeddingModels", "audioModels"})
    EXPECT_EQ(cluster[none], json::array()) << none;
  const json& model = cluster["imageGenerationModels"][0];
  EXPECT_EQ(model["name"], "fast");
  EXPECT_EQ(model["rps"], "5");
  EXPECT_EQ(model["rpm"], "300");
  EXPECT_EQ(model["aliases"], json({"quick"}));
  EXPECT_EQ(model["resolutionPricing"][1],
            json({{"resolution", "IMAGE_RESOLUTION_2K"}, {"pricePerImage", "200000000"}}));
}

TEST(TeamEndpoints, AreTheAclsOfKeys) {
  const json acls = json::parse(team_endpoints_body())["acls"];
  EXPECT_EQ(acls[1]["acl"], "api-key:endpoint:image");
  EXPECT_EQ(acls[1]["value"], "image");
}

TEST(SpendingLimits, AreInCentsAndNoneWithoutABudget) {
  const auto limits = [](const service::SpendingLimits& of) {
    return json::parse(spending_limits_body(of))["spendingLimits"];
  };
  const json cents = {{"val", "1250"}};
  EXPECT_EQ(limits({.server_usd_ticks = 125'000'000'000}),
            json({{"hardSlAuto", cents}, {"effectiveHardSl", cents}, {"effectiveSl", cents}}));
  EXPECT_EQ(limits({.own_usd_ticks = 125'000'000'000}),
            json({{"softSl", cents}, {"effectiveSl", cents}}));
  EXPECT_EQ(limits({}), json::object());
}

TEST(SpendingLimit, IsReadAsProtobufAndAsPeopleWriteIt) {
  const auto read = [](const std::string& limit) {
    return parse_spending_limit("{\"desiredSoftSpendingLimit\": " + limit + "}");
  };
  EXPECT_EQ(*read(R"({"val": "1250"})"), 125'000'000'000);
  EXPECT_EQ(*read(R"({"val": 1250})"), 125'000'000'000);
  EXPECT_EQ(*read("null"), std::nullopt);
  for (const char* wrong :
       {"12", "{}", R"({"val": "12.5"})", R"({"val": "x"})", R"({"val": true})"})
    EXPECT_EQ(read(wrong).error().code, ErrorCode::unprocessable) << wrong;
  EXPECT_EQ(parse_spending_limit("{}").error().field, "desiredSoftSpendingLimit");
  EXPECT_EQ(read(R"({"val": "92233720369"})").error().code, ErrorCode::invalid_argument);
}

TEST(UsageQuestion, ReadsWhatXaisConsoleAsks) {
  const auto question = parse_usage_question(
      R"({"analyticsRequest": {"timeRange": {"startTime": "2026-11-01 00:00:00",
          "endTime": "2026-11-29 00:00:00", "timezone": "Etc/GMT"}, "timeUnit": "TIME_UNIT_DAY",
          "values": [{"name": "usd", "aggregation": "AGGREGATION_SUM"}],
          "groupBy": ["description"], "filters": []}})",
      kNowMs);
  ASSERT_TRUE(question) << question.error().message;
  EXPECT_TRUE(question->by_model);
  EXPECT_EQ(question->filter.until_ms - question->filter.from_ms, 28 * 86'400'000LL);
  const auto everything = parse_usage_question(R"({"analyticsRequest": {}})", kNowMs);
  EXPECT_FALSE(everything->by_model);
  EXPECT_EQ(everything->filter.until_ms, INT64_MAX);
}

TEST(UsageQuestion, NamesWhatTheBooksCannotSay) {
  const auto field = [](const std::string& inside) {
    return parse_usage_question(R"({"analyticsRequest": )" + inside + "}", kNowMs).error().field;
  };
  EXPECT_EQ(field("[]"), "analyticsRequest");
  EXPECT_EQ(field(R"({"timeUnit": "TIME_UNIT_HOUR"})"), "timeUnit");
  EXPECT_EQ(field(R"({"values": [{"name": "tokens"}]})"), "values");
  EXPECT_EQ(field(R"({"groupBy": ["user"]})"), "groupBy");
  EXPECT_EQ(field(R"({"filters": ["x"]})"), "filters");
  EXPECT_EQ(field(R"({"timeRange": []})"), "timeRange");
  EXPECT_EQ(field(R"({"timeRange": {"timezone": "Europe/Berlin"}})"), "timezone");
  EXPECT_EQ(field(R"({"timeRange": {"startTime": "soon"}})"), "startTime");
}

TEST(UsageSeries, SumsDaysTogetherOrByModel) {
  const service::UsageRow rows[] = {
      {.day = "2026-11-27", .model = "fast", .usd_ticks = 200'000'000},
      {.day = "2026-11-28", .model = "fast", .usd_ticks = 200'000'000},
      {.day = "2026-11-28", .model = "fine", .usd_ticks = 500'000'000}};
  const json together = json::parse(usage_series_body(rows, false, false));
  EXPECT_EQ(together["limitReached"], false);
  EXPECT_EQ(together["timeSeries"], json::parse(R"([{"group": [], "groupLabels": [], "dataPoints": [
      {"timestamp": "2026-11-27T00:00:00Z", "values": [0.02]},
      {"timestamp": "2026-11-28T00:00:00Z", "values": [0.07]}]}])"));
  const json each = json::parse(usage_series_body(rows, true, true))["timeSeries"];
  ASSERT_EQ(each.size(), 2u);
  EXPECT_EQ(each[1]["groupLabels"], json({"fine"}));
  EXPECT_EQ(each[1]["dataPoints"].size(), 1u);
}

}  // namespace
}  // namespace imagined::api::wire
