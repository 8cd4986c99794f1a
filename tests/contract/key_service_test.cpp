#include "service/accounts/key_service.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "storage/memory/memory_key_store.h"
#include "storage/process/process_limit_store.h"

namespace imagined::service {
namespace {

/// Counts the looks into the store.
class CountingKeyStore final : public KeyStore {
 public:
  int find_count = 0;
  std::vector<std::size_t> recorded;  // how many uses, each time
  bool broken = false;

  explicit CountingKeyStore(const Clock& clock) : store_(clock) {}

  Result<void> insert(const ApiKey& key, const Deed& deed) override {
    return store_.insert(key, deed);
  }
  Result<void> insert_first_owner(const ApiKey& key, const Deed& deed) override {
    return store_.insert_first_owner(key, deed);
  }
  Result<ApiKey> find(std::string_view id) override {
    ++find_count;
    return store_.find(id);
  }
  Result<std::vector<ApiKey>> list() override { return store_.list(); }
  Result<void> update(const ApiKey& before, const ApiKey& after, const Deed& deed) override {
    return store_.update(before, after, deed);
  }
  Result<std::vector<AuditEvent>> audit(std::int64_t from_sequence, int count_max) override {
    return store_.audit(from_sequence, count_max);
  }
  Result<std::int64_t> verify_audit() override { return store_.verify_audit(); }
  Result<void> record_uses(std::span<const KeyUse> uses) override {
    if (broken) return fail(ErrorCode::unavailable, "the database is busy");
    recorded.push_back(uses.size());
    return store_.record_uses(uses);
  }

 private:
  storage::MemoryKeyStore store_;
};

class KeyServiceTest : public testing::Test {
 protected:
  NewKey make(KeyWish wish = {.name = "laptop"}) { return *keys_.create(kActor, wish); }
  std::string new_key() { return make().secret; }
  std::string refusal(std::optional<std::string_view> header) {
    const auto key = keys_.authenticate(header);
    if (key) return "accepted";
    EXPECT_EQ(key.error().code, ErrorCode::unauthenticated);
    return key.error().message;
  }

  inline static const Actor kActor{.name = "test", .request_id = "r1"};
  inline static const Actor kBoss{.name = "key:boss"};
  ManualClock clock_;
  CountingKeyStore store_{clock_};
  KeyService keys_{store_, clock_, {.pepper = "pepper"}};
};

TEST_F(KeyServiceTest, AcceptsAKeyThatItMade) {
  const NewKey key = make();
  const auto authenticated = keys_.authenticate("Bearer " + key.secret);
  ASSERT_TRUE(authenticated);
  EXPECT_EQ(authenticated->owner.key_id, key.row.id);
  EXPECT_EQ(authenticated->owner.team_id, kDefaultTeam);
  EXPECT_EQ(authenticated->owner.org_id, kDefaultOrg);
  EXPECT_TRUE(authenticated->scopes.has(Scope::images));
}

TEST_F(KeyServiceTest, TellsNoKeyFromAWrongOne) {
  EXPECT_EQ(keys_.authenticate(std::nullopt).error().reason, ErrorReason::no_credentials);
  EXPECT_EQ(keys_.authenticate("Bearer x").error().reason, ErrorReason::bad_credentials);
  const std::string deleted = new_key();
  ASSERT_TRUE(keys_.revoke(kActor, keys_.list()->front().id));
  EXPECT_EQ(keys_.authenticate("Bearer " + deleted).error().reason, ErrorReason::bad_credentials);
}

TEST_F(KeyServiceTest, ReadsTheSchemeInAnyCaseAndIgnoresSpacesAround) {
  const std::string key = new_key();
  for (const std::string& header :
       {"bearer " + key, "BEARER  " + key, " Bearer\t" + key + " ", "Bearer " + key + "\t"})
    EXPECT_TRUE(keys_.authenticate(header)) << header;
}

TEST_F(KeyServiceTest, SaysWhenThereAreNoCredentialsAndWhenTheirFormIsWrong) {
  const std::string key = new_key();
  EXPECT_EQ(refusal(std::nullopt), "No credentials presented.");
  EXPECT_EQ(refusal(""), "No credentials presented.");
  for (const std::string& header :
       {std::string("Bearer"), std::string("Bearer  "), "Basic " + key, key, "Bearer" + key})
    EXPECT_EQ(refusal(header),
              "No credentials presented: the authorization header does not have the form \"Bearer "
              "<API key>\".")
        << header;
}

TEST_F(KeyServiceTest, ShowsOnlyTheEndsOfAWrongKey) {
  EXPECT_EQ(refusal("Bearer sk-wrong_key_yz"), "Incorrect API key provided: sk***yz.");
  EXPECT_EQ(refusal("Bearer imk_wrong_key_yz"),
            "The API key im***yz is incomplete or has a typing error; copy it again.");
}

TEST_F(KeyServiceTest, RefusesMistypedKeysWithoutALookIntoTheStore) {
  const std::string key = new_key();
  for (const std::string& wrong :
       {key.substr(0, key.size() / 2), key + "x", "\"" + key + "\"", std::string(10'000, 'k'),
        std::string("' OR (SELECT pg_sleep(8)) IS NOT NULL --")})
    refusal("Bearer " + wrong);
  EXPECT_EQ(store_.find_count, 0);
}

TEST_F(KeyServiceTest, RefusesAWellFormedKeyThatItDidNotMake) {
  const NewKey stranger = make_key({.name = "n", .pepper = "pepper"}, clock_);
  EXPECT_TRUE(refusal("Bearer " + stranger.secret).starts_with("Incorrect API key provided"));
}

TEST_F(KeyServiceTest, RefusesARightIdWithAnotherSecret) {
  const NewKey key = make();
  // The same id under another secret, with a good checksum.
  NewKey forged = make_key({.name = "n", .pepper = "pepper"}, clock_);
  ApiKey row = forged.row;
  row.hash = key.row.hash;
  ASSERT_TRUE(store_.insert(row, {}));
  EXPECT_TRUE(refusal("Bearer " + forged.secret).starts_with("Incorrect API key provided"));
}

TEST_F(KeyServiceTest, TellsACutKeyFromAnUnknownOne) {
  const std::string key = new_key();
  const std::string cut = key.substr(0, key.size() - 3);
  EXPECT_EQ(refusal("Bearer " + cut), "The API key " + masked_key(cut) +
                                          " is incomplete or has a typing error; copy it again.");
}

TEST_F(KeyServiceTest, TellsItsHolderWhyAKeyIsRefused) {
  const std::int64_t now_ms = clock_.unix_ms();  // 2023-11-14T22:13:20Z
  const NewKey revoked = make();
  const NewKey disabled = make();
  const NewKey early = make({.name = "n", .not_before_ms = now_ms + 10'000});
  const NewKey late = make({.name = "n", .expires_ms = now_ms + 10'000});
  ASSERT_TRUE(keys_.revoke(kActor, revoked.row.id));
  ASSERT_TRUE(keys_.set_disabled(kActor, disabled.row.id, true));
  EXPECT_EQ(refusal("Bearer " + revoked.secret),
            "This API key was revoked at 2023-11-14T22:13:20Z.");
  EXPECT_EQ(refusal("Bearer " + disabled.secret), "This API key is disabled.");
  EXPECT_EQ(refusal("Bearer " + early.secret),
            "This API key is not active yet; it becomes active at 2023-11-14T22:13:30Z.");
  EXPECT_TRUE(keys_.authenticate("Bearer " + late.secret));
  clock_.advance_ms(10'000);
  EXPECT_TRUE(keys_.authenticate("Bearer " + early.secret));
  EXPECT_EQ(refusal("Bearer " + late.secret), "This API key expired at 2023-11-14T22:13:30Z.");
  ASSERT_TRUE(keys_.set_disabled(kActor, disabled.row.id, false));
  EXPECT_TRUE(keys_.authenticate("Bearer " + disabled.secret));
}

TEST_F(KeyServiceTest, KnowsAKeyThatMayNotBeUsedNowUnlessItIsRevoked) {
  const NewKey key = make();
  const auto is_known = [&] {
    return keys_.authenticate("Bearer " + key.secret, Usable::sometime).has_value();
  };
  ASSERT_TRUE(keys_.set_disabled(kActor, key.row.id, true));
  EXPECT_TRUE(is_known());
  ASSERT_TRUE(keys_.revoke(kActor, key.row.id));
  EXPECT_FALSE(is_known());
}

TEST_F(KeyServiceTest, ShowsOfAKeyItsIdAndItsLastFour) {
  const NewKey key = make();
  EXPECT_EQ(keys_.redacted(key.row),
            key.secret.substr(0, 17) + "..." + key.secret.substr(key.secret.size() - 4));
}

TEST_F(KeyServiceTest, TellsNobodyElse) {
  const NewKey revoked = make();
  ASSERT_TRUE(keys_.revoke(kActor, revoked.row.id));
  // The same id under another secret, with a good checksum.
  ApiKey twin = revoked.row;
  const NewKey guess = with_new_secret(twin, {.pepper = "pepper"}, clock_, 0);
  EXPECT_EQ(refusal("Bearer " + guess.secret),
            "Incorrect API key provided: " + masked_key(guess.secret) + ".");
}

TEST_F(KeyServiceTest, TellsAnAddressThatGuessesToWaitAndHoldsUpNoRightKey) {
  storage::ProcessLimitStore limits(clock_);
  KeyService keys(store_, clock_, {.pepper = "pepper", .limits = &limits});
  const std::string right = "Bearer " + keys.create(kActor, {.name = "n"})->secret;
  const auto code = [&](std::string_view authorization, std::string_view from) {
    return keys.authenticate(authorization, Usable::now, from).error().code;
  };
  const std::string guesses[] = {"Bearer x", right.substr(0, 40), "Bearer " + make().secret + "x"};
  for (int i = 0; i < kWrongKeysMax.limit; ++i)
    EXPECT_EQ(code(guesses[i % 3], "192.0.2.1"), ErrorCode::unauthenticated);
  const Error waits = keys.authenticate("Bearer x", Usable::now, "192.0.2.1").error();
  EXPECT_EQ(waits.code, ErrorCode::resource_exhausted);
  EXPECT_EQ(waits.message, "Too many wrong API keys from this address; try again in 60 s.");
  EXPECT_EQ(waits.retry, Retry::no);
  EXPECT_TRUE(keys.authenticate(right, Usable::now, "192.0.2.1"));
  EXPECT_EQ(code("Bearer x", "192.0.2.2"), ErrorCode::unauthenticated);
  EXPECT_EQ(code("Bearer x", ""), ErrorCode::unauthenticated);
  EXPECT_EQ(code("", "192.0.2.1"), ErrorCode::unauthenticated) << "no key is no wrong key";
  clock_.advance_ms(kWrongKeysMax.window_ms);
  EXPECT_EQ(code("Bearer x", "192.0.2.1"), ErrorCode::unauthenticated);
}

TEST_F(KeyServiceTest, KeepsTheOldSecretForTheOverlapOfARotation) {
  const NewKey old = make();
  const auto rotated = keys_.rotate(kActor, old.row.id, 60'000);
  ASSERT_TRUE(rotated);
  EXPECT_EQ(rotated->row.id, old.row.id);
  EXPECT_NE(rotated->secret, old.secret);
  EXPECT_TRUE(keys_.authenticate("Bearer " + old.secret));
  EXPECT_TRUE(keys_.authenticate("Bearer " + rotated->secret));
  clock_.advance_ms(60'000);
  EXPECT_TRUE(refusal("Bearer " + old.secret).starts_with("Incorrect API key provided"));
  EXPECT_TRUE(keys_.authenticate("Bearer " + rotated->secret));
}

TEST_F(KeyServiceTest, BringsNoRevokedKeyBack) {
  const std::string id = make().row.id;
  ASSERT_TRUE(keys_.revoke(kActor, id));
  EXPECT_TRUE(keys_.revoke(kActor, id));  // twice is harmless
  EXPECT_EQ(keys_.rotate(kActor, id, 0).error().code, ErrorCode::failed_precondition);
  EXPECT_EQ(keys_.set_disabled(kActor, id, false).error().code, ErrorCode::failed_precondition);
  EXPECT_EQ(keys_.revoke(kActor, "nobody").error().code, ErrorCode::not_found);
}

TEST_F(KeyServiceTest, RefusesWishesThatCannotBeMeantByTheirField) {
  const std::int64_t now_ms = clock_.unix_ms();
  KeyWish past{.name = "n", .expires_ms = now_ms - 1};
  KeyWish crossed{.name = "n", .not_before_ms = now_ms + 20, .expires_ms = now_ms + 10};
  KeyWish none{.name = "n", .allowance = {.per_second = 0}};
  KeyWish poor{.name = "n", .allowance = {.usd_ticks_per_day = -1}};
  KeyWish nameless{.name = "n", .models = {"a model"}};
  const std::pair<KeyWish, const char*> cases[] = {{past, "expires"},
                                                   {crossed, "expires"},
                                                   {none, "per_second"},
                                                   {poor, "usd_per_day"},
                                                   {nameless, "models"}};
  for (const auto& [wish, field] : cases) {
    const auto made = keys_.create(kActor, wish);
    ASSERT_FALSE(made) << field;
    EXPECT_EQ(made.error().code, ErrorCode::invalid_argument);
    EXPECT_EQ(made.error().field, field);
  }
  EXPECT_TRUE(keys_.list()->empty());
}

TEST_F(KeyServiceTest, ShowsNothingOfAKeyInAPath) {
  EXPECT_EQ(keys_.without_keys("/v1/images"), "/v1/images");
  EXPECT_EQ(keys_.without_keys("/v1/" + make().secret), "/v1/imk_...");
  EXPECT_EQ(keys_.without_keys("/imk_a_b/x/imk_"), "/imk_.../x/imk_...");
}

TEST_F(KeyServiceTest, MakesATeamByItsNameAlone) {
  EXPECT_EQ(keys_.create(kActor, {.name = "n"}, {.team_id = "studio-2.b_C"})->row.team_id,
            "studio-2.b_C");
  for (const std::string& team : {std::string(), std::string("a b"), std::string("a/b"),
                                  std::string("\xC3\xA9"), std::string(65, 'a')})
    EXPECT_EQ(keys_.create(kActor, {.name = "n"}, {.team_id = team}).error().field, "team") << team;
  EXPECT_EQ(keys_.list()->size(), 1u);
}

TEST_F(KeyServiceTest, WritesEveryChangeIntoTheAuditLogWithoutASecret) {
  const NewKey key = make();
  ASSERT_TRUE(keys_.set_disabled(kActor, key.row.id, true));
  ASSERT_TRUE(keys_.set_disabled(kActor, key.row.id, true));  // changes nothing
  ASSERT_TRUE(keys_.set_disabled(kActor, key.row.id, false));
  const NewKey rotated = *keys_.rotate(kActor, key.row.id, 5'000);
  ASSERT_TRUE(keys_.revoke(kActor, key.row.id));
  std::vector<std::string> actions;
  const auto events = *store_.audit(0, 100);
  for (const AuditEvent& event : events) {
    actions.push_back(event.deed.action);
    EXPECT_EQ(event.deed.actor, "test");
    EXPECT_EQ(event.deed.target, "key:" + key.row.id);
    EXPECT_EQ(event.deed.detail.find(key.secret), std::string::npos);
    EXPECT_EQ(event.deed.detail.find(rotated.secret), std::string::npos);
  }
  EXPECT_EQ(actions, (std::vector<std::string>{"key.create", "key.disable", "key.enable",
                                               "key.rotate", "key.revoke"}));
}

TEST_F(KeyServiceTest, KnowsWhoHasChangedAKeyLastAndWhen) {
  const NewKey key = make();
  EXPECT_EQ(key.row.modified_ms, key.row.created_ms);
  clock_.advance_ms(1'000);
  ASSERT_TRUE(keys_.set_disabled({.name = "key:boss"}, key.row.id, true));
  EXPECT_EQ(keys_.find(key.row.id)->modified_ms, clock_.unix_ms());
  EXPECT_EQ(keys_.find(key.row.id)->modified_by, "key:boss");
}

TEST_F(KeyServiceTest, GivesTheCapacityThatWasAskedForWhenItIsGranted) {
  const std::string secret = make({.name = "n", .allowance = {.per_minute = 7}}).secret;
  const std::string id = keys_.list()->front().id;
  const auto allowance = [&] { return keys_.authenticate("Bearer " + secret)->allowance; };
  ASSERT_TRUE(keys_.ask_capacity(kActor, id, {.per_second = 10, .reason = "a launch"}));
  EXPECT_EQ(allowance().per_second, std::nullopt);
  EXPECT_EQ(keys_.find(id)->asked.at_ms, clock_.unix_ms());
  ASSERT_TRUE(keys_.decide_capacity(kBoss, id, true));
  EXPECT_EQ(allowance().per_second, 10);
  EXPECT_EQ(allowance().per_minute, 7);
  EXPECT_FALSE(keys_.find(id)->asked.is_open());
  EXPECT_EQ(keys_.decide_capacity(kBoss, id, true).error().code, ErrorCode::failed_precondition);
  EXPECT_EQ(store_.audit(0, 10)->back().deed.detail, "per_second=10 reason=\"a launch\"");
}

TEST_F(KeyServiceTest, GivesNoMoreCapacityThanTheWorkersWereSeenToMake) {
  QueuePace pace;
  KeyService keys(store_, clock_, {.rates = {.per_second = 5, .per_minute = 300}, .pace = [&] {
                                     return Result<QueuePace>(pace);
                                   }});
  const auto given = [&](std::int64_t per_minute_made) {
    pace.per_minute = per_minute_made;
    const std::string id = make().row.id;
    EXPECT_TRUE(keys.ask_capacity(kActor, id, {.per_second = 50, .per_minute = 1'000}));
    const auto key = keys.decide_capacity(kBoss, id, true);
    return std::pair(*key->allowance.per_second, *key->allowance.per_minute);
  };
  EXPECT_EQ(given(0), std::pair(50L, 1'000L)) << "nothing is measured yet";
  EXPECT_EQ(given(601), std::pair(11L, 601L));
  EXPECT_EQ(given(6), std::pair(5L, 300L)) << "never less than the key has";
  EXPECT_EQ(given(100'000), std::pair(50L, 1'000L));
  EXPECT_EQ(store_.audit(0, 20)->at(8).deed.detail,
            "per_second=5 per_minute=300 reason=\"\" of per_second=50 per_minute=1000 reason=\"\"");
}

TEST_F(KeyServiceTest, LetsNobodyGrantWhatTheyHaveAskedForThemselves) {
  const std::string id = make().row.id;
  ASSERT_TRUE(keys_.ask_capacity(kActor, id, {.per_second = 10}));
  EXPECT_EQ(keys_.decide_capacity(kActor, id, true).error().code, ErrorCode::permission_denied);
  EXPECT_TRUE(keys_.find(id)->asked.is_open());
  EXPECT_TRUE(keys_.decide_capacity(kActor, id, false)) << "taking it back is no grant";
}

TEST_F(KeyServiceTest, GivesNothingOfTheCapacityThatIsDenied) {
  const std::string id = make().row.id;
  ASSERT_TRUE(keys_.ask_capacity(kActor, id, {.per_second = 10}));
  ASSERT_TRUE(keys_.decide_capacity(kActor, id, false));
  EXPECT_EQ(keys_.find(id)->allowance, Allowance());
  EXPECT_FALSE(keys_.find(id)->asked.is_open());
}

TEST_F(KeyServiceTest, RefusesCapacityThatCannotBeMeantByItsField) {
  const std::string id = make().row.id;
  const std::pair<CapacityRequest, const char*> cases[] = {
      {{.reason = "more"}, "qps"},
      {{.per_second = 0}, "qps"},
      {{.per_minute = kCapacityMax + 1}, "qpm"},
      {{.per_second = 1, .reason = std::string(501, 'r')}, "reason"},
      {{.per_second = 1, .reason = "a\nb"}, "reason"}};
  for (const auto& [request, field] : cases) {
    const auto asked = keys_.ask_capacity(kActor, id, request);
    ASSERT_FALSE(asked) << field;
    EXPECT_EQ(asked.error().field, field);
  }
}

TEST_F(KeyServiceTest, HandsOnWhatAKeyMay) {
  const NewKey key = make({.name = "n",
                           .scopes = ScopeSet().add(Scope::images),
                           .models = {"fast"},
                           .allowance = {.per_minute = 7}});
  const auto caller = keys_.authenticate("Bearer " + key.secret);
  ASSERT_TRUE(caller);
  EXPECT_EQ(caller->allowance.per_minute, 7);
  EXPECT_TRUE(require(*caller, Scope::images));
  EXPECT_TRUE(require_model(*caller, "fast"));
  const auto no_scope = require(*caller, Scope::models);
  ASSERT_FALSE(no_scope);
  EXPECT_EQ(no_scope.error().code, ErrorCode::unauthenticated);
  EXPECT_EQ(no_scope.error().reason, ErrorReason::wrong_scope);
  EXPECT_EQ(no_scope.error().message,
            "This API key is not allowed to do this: it lacks the scope \"models:read\".");
  EXPECT_EQ(require_model(*caller, "fine").error().message,
            "This API key is not allowed to use the model \"fine\"; it may use fast.");
}

TEST_F(KeyServiceTest, RefusesKeysMadeUnderAnotherPepper) {
  const std::string key = new_key();
  KeyService other(store_, clock_, {.pepper = "other"});
  EXPECT_FALSE(other.authenticate("Bearer " + key));
}

TEST_F(KeyServiceTest, SaysWhoseAKeyIsAndWhatItMay) {
  NewKey key = make_key({.name = "n", .pepper = "pepper"}, clock_);
  key.row.org_id = "org";
  key.row.team_id = "team";
  key.row.scopes = ScopeSet().add(Scope::models);
  ASSERT_TRUE(store_.insert(key.row, {}));
  const auto caller = keys_.authenticate("Bearer " + key.secret);
  ASSERT_TRUE(caller);
  EXPECT_EQ(caller->owner, (Owner{.org_id = "org", .team_id = "team", .key_id = key.row.id}));
  EXPECT_EQ(caller->scopes, key.row.scopes);
}

TEST_F(KeyServiceTest, WritesDownTheLastUseAtMostOnceAMinuteAndNeverWhileSomebodyWaits) {
  const NewKey key = make();
  const std::string header = "Bearer " + key.secret;
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(keys_.authenticate(header));
  EXPECT_TRUE(store_.recorded.empty());
  EXPECT_EQ(keys_.record_uses(), 1);
  EXPECT_EQ(store_.find(key.row.id)->last_used_ms, clock_.unix_ms());
  clock_.advance_ms(59'999);
  EXPECT_TRUE(keys_.authenticate(header));
  EXPECT_EQ(keys_.record_uses(), 0);
  clock_.advance_ms(1);
  EXPECT_TRUE(keys_.authenticate(header));
  EXPECT_EQ(keys_.record_uses(), 1);
  EXPECT_EQ(store_.recorded, (std::vector<std::size_t>{1, 1}));
}

TEST_F(KeyServiceTest, KeepsInMindWhatCouldNotBeWrittenDown) {
  const NewKey key = make();
  EXPECT_TRUE(keys_.authenticate("Bearer " + key.secret));
  store_.broken = true;
  EXPECT_EQ(keys_.record_uses().error().code, ErrorCode::unavailable);
  store_.broken = false;
  EXPECT_EQ(keys_.record_uses(), 1);
}

TEST_F(KeyServiceTest, RefusesNamesThatNobodyCouldRead) {
  for (const std::string& name :
       {std::string(), std::string("  "), std::string("a\nb"), std::string("\x1B[31m"),
        std::string("\xFF"), std::string(101, 'n')}) {
    const auto key = keys_.create(kActor, {.name = name});
    ASSERT_FALSE(key) << name;
    EXPECT_EQ(key.error().field, "name");
  }
  EXPECT_TRUE(keys_.create(kActor, {.name = "Jos\xC3\xA9's laptop"}));
}

}  // namespace
}  // namespace imagined::service
