#include "api/wire/management.h"

#include <fmt/core.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace imagined::api::wire {
namespace {

using nlohmann::json;
using service::KeyWish;
using service::Scope;
using service::ScopeSet;

constexpr std::int64_t kNowMs = 1'700'000'000'000;  // 2023-11-14T22:13:20Z

KeyReading reading() {
  static const auto kCatalogue =
      service::Catalogue::make({{.id = "fast", .aliases = {"quick"}}}, {}, {{.name = "far"}})
          .value();
  return {.catalogue = kCatalogue, .now_unix_ms = kNowMs};
}

std::string refusal(std::string_view body) {
  const auto wish = parse_new_key(body, reading());
  return wish ? "taken" : wish.error().field;
}

TEST(NewKey, ReadsWhatXaisManagementApiSends) {
  const KeyWish wish = *parse_new_key(
      R"({"name": "app", "acls": ["api-key:endpoint:image", "api-key:model:fast"], "qps": 2,
          "qpm": 60, "expireTime": "2023-11-15T00:00:00Z"})",
      reading());
  EXPECT_EQ(wish.name, "app");
  EXPECT_EQ(wish.scopes, ScopeSet().add(Scope::images).add(Scope::edits).add(Scope::files));
  EXPECT_EQ(wish.models, std::vector<std::string>{"fast"});
  EXPECT_EQ(wish.allowance.per_second, 2);
  EXPECT_EQ(wish.allowance.per_minute, 60);
  EXPECT_EQ(wish.expires_ms, 1'700'006'400'000);
}

TEST(NewKey, TakesBudgetsExactlyAndEmptyOnesForNone) {
  const KeyWish wish = *parse_new_key(
      R"({"name": "app", "picturesPerDay": 9, "usdPerDay": "0.0000000001", "usdPerMonth": ""})",
      reading());
  EXPECT_EQ(wish.allowance.pictures_per_day, 9);
  EXPECT_EQ(wish.allowance.usd_ticks_per_day, 1);
  EXPECT_EQ(wish.allowance.usd_ticks_per_month, std::nullopt);
  EXPECT_EQ(refusal(R"({"name": "a", "usdPerDay": 1.5})"), "usdPerDay");
  EXPECT_EQ(refusal(R"({"name": "a", "usdPerMonth": "much"})"), "usdPerMonth");
}

TEST(NewKey, MayDoEverythingUnlessToldAndNothingWithAnEmptyList) {
  EXPECT_EQ(parse_new_key(R"({"name": "app"})", reading())->scopes, ScopeSet::all());
  EXPECT_EQ(parse_new_key(R"({"name": "app", "acls": []})", reading())->scopes, ScopeSet());
  const KeyWish all = *parse_new_key(
      R"({"name": "app", "acls": ["api-key:endpoint:*", "api-key:model:*"]})", reading());
  EXPECT_EQ(all.scopes, ScopeSet::all());
  EXPECT_TRUE(all.models.empty());
}

TEST(NewKey, TakesZeroForNotGivenAsProtobufDoes) {
  EXPECT_EQ(parse_new_key(R"({"name": "app", "qps": 0})", reading())->allowance.per_second,
            std::nullopt);
}

TEST(NewKey, IsRefusedByTheFieldThatIsWrong) {
  EXPECT_EQ(refusal(R"({"name": 7})"), "name");
  EXPECT_EQ(refusal(R"({"name": "a", "acls": "all"})"), "acls");
  EXPECT_EQ(refusal(R"({"name": "a", "acls": ["api-key:endpoint:chat", "api-key:model:*"]})"),
            "acls");
  EXPECT_EQ(refusal(R"({"name": "a", "acls": ["api-key:endpoint:image"]})"), "acls");
  EXPECT_EQ(refusal(R"({"name": "a", "qpm": "many"})"), "qpm");
  EXPECT_EQ(refusal(R"({"name": "a", "expireTime": "soon"})"), "expireTime");
  EXPECT_EQ(refusal(R"({"name": "a", "teamId": "other"})"), "teamId");
  EXPECT_EQ(refusal(R"({"name": "a", "role": "owner"})"), "role");
}

TEST(KeyPatch, ChangesWhatTheMaskNamesAndNothingElse) {
  const KeyWish before{.name = "old", .allowance = {.per_second = 2, .per_minute = 60}};
  const KeyWish after = *patch_key(
      R"({"apiKey": {"name": "new", "disabled": true, "qpm": 90}, "fieldMask": "disabled,qpm"})",
      before, reading());
  EXPECT_EQ(after.name, "old");
  EXPECT_TRUE(after.disabled);
  EXPECT_EQ(after.allowance.per_minute, 90);
  EXPECT_EQ(after.allowance.per_second, 2);
}

TEST(KeyPatch, TakesAwayWhatIsMaskedAndNotGiven) {
  const KeyWish before{.name = "old", .allowance = {.per_second = 2}, .expires_ms = 5};
  const KeyWish after =
      *patch_key(R"({"apiKey": {}, "fieldMask": "qps,expireTime"})", before, reading());
  EXPECT_EQ(after.allowance.per_second, std::nullopt);
  EXPECT_EQ(after.expires_ms, 0);
}

TEST(KeyPatch, MeansWhatIsGivenWithoutAMask) {
  const KeyWish after = *patch_key(R"({"apiKey": {"disabled": true}})", {.name = "old"}, reading());
  EXPECT_TRUE(after.disabled);
  EXPECT_EQ(after.name, "old");
}

TEST(KeyPatch, RefusesFieldsThatNobodyMaySet) {
  for (const char* body : {R"({"apiKey": {"teamId": "other"}})", R"({"fieldMask": "name"})",
                           R"({"apiKey": {}, "fieldMask": "role"})"})
    EXPECT_FALSE(patch_key(body, {.name = "n"}, reading())) << body;
}

TEST(NewKey, TakesEveryModelThatIsOfferedByAnyOfItsNamesAndNoOther) {
  const auto models = [](std::string_view name) {
    return parse_new_key(
        fmt::format(R"({{"name": "app", "acls": ["api-key:endpoint:*", "api-key:model:{}"]}})",
                    name),
        reading());
  };
  EXPECT_EQ(models("quick")->models, std::vector<std::string>{"fast"});
  EXPECT_EQ(models("far")->models, std::vector<std::string>{"far"});
  const auto refused = models("nosuch");
  EXPECT_EQ(refused.error().field, "acls");
  EXPECT_EQ(refused.error().message,
            "acls: the model \"nosuch\" does not exist; this server has fast, far");
}

TEST(KeyPatch, KeepsAModelThatTheKeyHasThoughItIsOfferedNoMore) {
  constexpr const char* kBody =
      R"({"apiKey": {"acls": ["api-key:endpoint:*", "api-key:model:gone", "api-key:model:far"]}})";
  EXPECT_EQ(patch_key(kBody, {.name = "n", .models = {"gone"}}, reading())->models,
            (std::vector<std::string>{"gone", "far"}));
  EXPECT_FALSE(patch_key(kBody, {.name = "n"}, reading()));
}

TEST(Overlap, IsADayUnlessTold) {
  EXPECT_EQ(*parse_overlap_ms("{}", kNowMs), 86'400'000);
  EXPECT_EQ(*parse_overlap_ms(R"({"oldSecretExpireTime": "2023-11-14T22:14:20Z"})", kNowMs),
            60'000);
}

TEST(ManagedKey, IsWrittenAsXaiDoesAndShowsASecretOnlyWhereItWasMade) {
  const service::ApiKey key{.id = "abc",
                            .name = "app",
                            .created_ms = kNowMs,
                            .team_id = "red",
                            .allowance = {.per_minute = 60},
                            .expires_ms = kNowMs + 1'000};
  const json shown = json::parse(managed_key_body(key, {.redacted = "imk_abc_...wxyz"}));
  EXPECT_EQ(shown, json({{"apiKeyId", "abc"},
                         {"redactedApiKey", "imk_abc_...wxyz"},
                         {"name", "app"},
                         {"userId", ""},
                         {"teamId", "red"},
                         {"createTime", "2023-11-14T22:13:20Z"},
                         {"modifyTime", "2023-11-14T22:13:20Z"},
                         {"expireTime", "2023-11-14T22:13:21Z"},
                         {"disabled", false},
                         {"qpm", 60},
                         {"aclStrings", {"api-key:endpoint:*", "api-key:model:*"}}}));
  EXPECT_EQ(json::parse(managed_key_body(key, {.secret = "imk_whole"}))["apiKey"], "imk_whole");
}

TEST(Capacity, IsReadAndShownByTheSameNames) {
  const auto asked = *parse_capacity(R"({"qps": 10, "reason": "a launch"})");
  EXPECT_EQ(asked.per_second, 10);
  EXPECT_EQ(asked.per_minute, std::nullopt);
  EXPECT_EQ(asked.reason, "a launch");
  EXPECT_EQ(parse_capacity(R"({"qpm": "many"})").error().field, "qpm");
  service::ApiKey key{.allowance = {.per_minute = 60}};
  EXPECT_EQ(json::parse(capacity_body(key)), json({{"limits", {{"qpm", 60}}}, {"asked", nullptr}}));
  key.asked = asked;
  key.asked.at_ms = kNowMs;
  EXPECT_EQ(json::parse(capacity_body(key))["asked"], json({{"qps", 10},
                                                            {"reason", "a launch"},
                                                            {"createTime", "2023-11-14T22:13:20Z"},
                                                            {"askedBy", ""}}));
}

TEST(AuditBody, NamesThePageAfterIt) {
  const service::AuditEvent event{
      .sequence = 4, .at_ms = kNowMs, .deed = {.actor = "key:boss", .action = "key.create"}};
  const json body = json::parse(audit_body({&event, 1}, 5));
  EXPECT_EQ(body["events"][0]["eventId"], "4");
  EXPECT_EQ(body["events"][0]["user"]["userId"], "key:boss");
  EXPECT_EQ(body["nextPageToken"], "5");
  EXPECT_FALSE(json::parse(audit_body({}, 0)).contains("nextPageToken"));
}

}  // namespace
}  // namespace imagined::api::wire
