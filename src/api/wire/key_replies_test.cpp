#include "api/wire/key_replies.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace imagined::api::wire {
namespace {

using nlohmann::json;
using service::ApiKey;
using service::Scope;
using service::ScopeSet;

constexpr std::int64_t kNowMs = 1'700'000'000'000;  // 2023-11-14T22:13:20Z

json reply(const ApiKey& key) { return json::parse(api_key_body(key, "imk_...wxyz", kNowMs)); }

TEST(ApiKeyBody, HasEveryFieldThatXaisClientsRead) {
  const ApiKey key{.id = "abc",
                   .name = "laptop",
                   .created_ms = kNowMs - 1'000,
                   .team_id = "red",
                   .modified_ms = kNowMs,
                   .modified_by = "command line"};
  EXPECT_EQ(reply(key), json({{"redacted_api_key", "imk_...wxyz"},
                              {"api_key_id", "abc"},
                              {"name", "laptop"},
                              {"user_id", ""},
                              {"team_id", "red"},
                              {"create_time", "2023-11-14T22:13:19Z"},
                              {"modify_time", "2023-11-14T22:13:20Z"},
                              {"modified_by", "command line"},
                              {"acls", {"api-key:endpoint:*", "api-key:model:*"}},
                              {"team_blocked", false},
                              {"api_key_blocked", false},
                              {"api_key_disabled", false}}));
}

TEST(ApiKeyBody, SpellsScopesAndModelsAsXaiDoes) {
  ApiKey key{.scopes = ScopeSet().add(Scope::images), .models = {"fast", "fine"}};
  EXPECT_EQ(reply(key)["acls"],
            json({"api-key:endpoint:image", "api-key:model:fast", "api-key:model:fine"}));
  key.scopes = ScopeSet().add(Scope::models);
  EXPECT_EQ(reply(key)["acls"][0], "api-key:endpoint:models");
}

TEST(ApiKeyBody, TellsDisabledFromBlocked) {
  const json disabled = reply({.disabled = true});
  EXPECT_EQ(disabled["api_key_disabled"], true);
  EXPECT_EQ(disabled["api_key_blocked"], false);
  const json expired = reply({.expires_ms = kNowMs});
  EXPECT_EQ(expired["api_key_disabled"], false);
  EXPECT_EQ(expired["api_key_blocked"], true);
  EXPECT_EQ(reply({.not_before_ms = kNowMs + 1})["api_key_blocked"], true);
}

TEST(MeBody, SaysWhoseTheKeyIs) {
  const json me = json::parse(me_body({.id = "abc", .team_id = "red"}, "imk_...wxyz", kNowMs));
  EXPECT_EQ(me["team_id"], "red");
  EXPECT_EQ(me["api_key"], json({{"redacted_api_key", "imk_...wxyz"},
                                 {"api_key_id", "abc"},
                                 {"blocked", false},
                                 {"disabled", false}}));
}

}  // namespace
}  // namespace imagined::api::wire
