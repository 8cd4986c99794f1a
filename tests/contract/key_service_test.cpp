#include "service/accounts/key_service.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "storage/memory/memory_key_store.h"

namespace imagined::service {
namespace {

/// Counts the looks into the store.
class CountingKeyStore final : public KeyStore {
 public:
  int find_count = 0;
  std::vector<std::size_t> recorded;  // how many uses, each time
  bool broken = false;

  Result<void> insert(const ApiKey& key) override { return store_.insert(key); }
  Result<ApiKey> find(std::string_view id) override {
    ++find_count;
    return store_.find(id);
  }
  Result<std::vector<ApiKey>> list() override { return store_.list(); }
  Result<void> remove(std::string_view id) override { return store_.remove(id); }
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
  std::string new_key() { return keys_.create("laptop")->secret; }
  std::string refusal(std::optional<std::string_view> header) {
    const auto key = keys_.authenticate(header);
    if (key) return "accepted";
    EXPECT_EQ(key.error().code, ErrorCode::unauthenticated);
    return key.error().message;
  }

  ManualClock clock_;
  CountingKeyStore store_;
  KeyService keys_{store_, clock_, {.pepper = "pepper"}};
};

TEST_F(KeyServiceTest, AcceptsAKeyThatItMade) {
  const NewKey key = *keys_.create("laptop");
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
  ASSERT_TRUE(keys_.remove(keys_.list()->front().id));
  EXPECT_EQ(keys_.authenticate("Bearer " + deleted).error().reason, ErrorReason::bad_credentials);
}

TEST_F(KeyServiceTest, ReadsTheSchemeInAnyCaseAndIgnoresSpacesAround) {
  const std::string key = new_key();
  for (const std::string& header :
       {"bearer " + key, "BEARER  " + key, " Bearer\t" + key + " ", "Bearer " + key + "\t"})
    EXPECT_TRUE(keys_.authenticate(header)) << header;
}

TEST_F(KeyServiceTest, SaysWhenThereAreNoCredentials) {
  const std::string key = new_key();
  EXPECT_EQ(refusal(std::nullopt), "No credentials presented.");
  for (const std::string& header : {std::string(), std::string("Bearer"), std::string("Bearer  "),
                                    "Basic " + key, key, "Bearer" + key})
    EXPECT_EQ(refusal(header), "No credentials presented.") << header;
}

TEST_F(KeyServiceTest, ShowsOnlyTheEndsOfAWrongKey) {
  EXPECT_EQ(refusal("Bearer imk_wrong_key_yz"), "Incorrect API key provided: im***yz.");
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
  const NewKey key = *keys_.create("laptop");
  // The same id under another secret, with a good checksum.
  NewKey forged = make_key({.name = "n", .pepper = "pepper"}, clock_);
  ApiKey row = forged.row;
  row.hash = key.row.hash;
  ASSERT_TRUE(store_.insert(row));
  EXPECT_TRUE(refusal("Bearer " + forged.secret).starts_with("Incorrect API key provided"));
}

TEST_F(KeyServiceTest, RefusesRemovedAndDisabledKeysInTheSameWords) {
  const NewKey removed = *keys_.create("removed");
  ASSERT_TRUE(keys_.remove(removed.row.id));
  NewKey disabled = make_key({.name = "n", .pepper = "pepper"}, clock_);
  disabled.row.disabled = true;
  ASSERT_TRUE(store_.insert(disabled.row));
  EXPECT_EQ(refusal("Bearer " + removed.secret),
            "Incorrect API key provided: " + masked_key(removed.secret) + ".");
  EXPECT_EQ(refusal("Bearer " + disabled.secret),
            "Incorrect API key provided: " + masked_key(disabled.secret) + ".");
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
  ASSERT_TRUE(store_.insert(key.row));
  const auto caller = keys_.authenticate("Bearer " + key.secret);
  ASSERT_TRUE(caller);
  EXPECT_EQ(caller->owner, (Owner{.org_id = "org", .team_id = "team", .key_id = key.row.id}));
  EXPECT_EQ(caller->scopes, key.row.scopes);
}

TEST_F(KeyServiceTest, WritesDownTheLastUseAtMostOnceAMinuteAndNeverWhileSomebodyWaits) {
  const NewKey key = *keys_.create("laptop");
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
  const NewKey key = *keys_.create("laptop");
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
    const auto key = keys_.create(name);
    ASSERT_FALSE(key) << name;
    EXPECT_EQ(key.error().field, "name");
  }
  EXPECT_TRUE(keys_.create("Jos\xC3\xA9's laptop"));
}

}  // namespace
}  // namespace imagined::service
