// What every FileStore promises. A store is tested by a factory and one line in
// file_store_test.cpp.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "service/ports/archive.h"
#include "service/ports/file_store.h"

namespace imagined::service {

/// A store, the archive on the same data, and whatever must live as long as they.
struct FileStoreUnderTest {
  std::shared_ptr<void> keeper;
  std::shared_ptr<FileStore> store;
  std::shared_ptr<Archive> archive;
};

class FileStoreContract : public testing::TestWithParam<std::function<FileStoreUnderTest()>> {
 protected:
  static StoredFile some_file(std::string id) {
    return {.id = std::move(id),
            .owner = {.team_id = "ours", .key_id = "key"},
            .name = "hat.png",
            .blob = std::string(64, 'a'),
            .size_bytes = 7,
            .created_ms = 1'000};
  }
  std::vector<std::string> ids(const FileQuery& query) {
    std::vector<std::string> found;
    const auto page = store_.list(query);
    for (const StoredFile& file : *page) found.push_back(file.id);
    return found;
  }

  FileStoreUnderTest under_test_ = GetParam()();
  FileStore& store_ = *under_test_.store;
};

TEST_P(FileStoreContract, FindsWhatWasInsertedUntilItIsRemoved) {
  StoredFile file = some_file("file_1");
  file.expires_ms = 5'000;
  ASSERT_TRUE(store_.insert(file, 10));
  EXPECT_EQ(store_.find("file_1"), file);
  EXPECT_EQ(store_.find("file_2").error().code, ErrorCode::not_found);
  EXPECT_EQ(store_.remove("file_1"), true);
  EXPECT_EQ(store_.remove("file_1"), false);
  EXPECT_EQ(store_.find("file_1").error().code, ErrorCode::not_found);
}

TEST_P(FileStoreContract, ListsTheFilesOfOneTeamPageByPageInEitherOrder) {
  for (const char* id : {"file_1", "file_2", "file_3"})
    ASSERT_TRUE(store_.insert(some_file(id), 10));
  StoredFile theirs = some_file("file_4");
  theirs.owner.team_id = "theirs";
  ASSERT_TRUE(store_.insert(theirs, 10));
  StoredFile expired = some_file("file_5");
  expired.expires_ms = 2'000;
  ASSERT_TRUE(store_.insert(expired, 10));
  using Ids = std::vector<std::string>;
  FileQuery query{.org_id = kDefaultOrg, .team_id = "ours", .unix_ms = 2'000, .count_max = 2};
  EXPECT_EQ(ids(query), (Ids{"file_3", "file_2"}));
  query.after = "file_2";
  EXPECT_EQ(ids(query), Ids{"file_1"});
  query.newest_first = false;
  EXPECT_EQ(ids(query), Ids{"file_3"});
  query.after = {};
  query.unix_ms = 1'999;
  query.count_max = 10;
  EXPECT_EQ(ids(query), (Ids{"file_1", "file_2", "file_3", "file_5"}));
}

TEST_P(FileStoreContract, FindsAPublicFileByTheNameThatItHasNow) {
  StoredFile file = some_file("file_1");
  file.public_name = "first";
  ASSERT_TRUE(store_.insert(file, 10));
  ASSERT_TRUE(store_.insert(some_file("file_2"), 10));
  EXPECT_EQ(store_.find_public("first"), file);
  EXPECT_EQ(store_.find_public("").error().code, ErrorCode::not_found);
  EXPECT_EQ(store_.publish("file_1", "second", 5'000), true);
  file.public_name = "second";
  file.public_until_ms = 5'000;
  EXPECT_EQ(store_.find_public("second"), file);
  EXPECT_EQ(store_.find("file_1"), file);
  EXPECT_EQ(store_.find_public("first").error().code, ErrorCode::not_found);
  EXPECT_EQ(store_.publish("file_1", "", 0), true);
  EXPECT_EQ(store_.find_public("second").error().code, ErrorCode::not_found);
  EXPECT_EQ(store_.publish("file_3", "third", 0), false);
}

TEST_P(FileStoreContract, KeepsNoMoreOfATeamThanItMayHave) {
  ASSERT_TRUE(store_.insert(some_file("file_1"), 2));
  ASSERT_TRUE(store_.insert(some_file("file_2"), 2));
  EXPECT_EQ(store_.insert(some_file("file_3"), 2).error().code, ErrorCode::invalid_argument);
  StoredFile theirs = some_file("file_3");
  theirs.owner.team_id = "theirs";
  EXPECT_TRUE(store_.insert(theirs, 2));
  ASSERT_TRUE(store_.remove("file_1"));
  EXPECT_TRUE(store_.insert(some_file("file_4"), 2));
}

TEST_P(FileStoreContract, KeepsTheFirstOfAnId) {
  ASSERT_TRUE(store_.insert(some_file("file_1"), 1));
  StoredFile second = some_file("file_1");
  second.name = "other.png";
  EXPECT_EQ(store_.insert(second, 1).error().code, ErrorCode::already_exists);
  EXPECT_EQ(store_.find("file_1")->name, "hat.png");
}

TEST_P(FileStoreContract, RemovesWhatHasExpiredAndNothingElse) {
  for (const std::int64_t expires_ms : {0, 10, 20, 30}) {
    StoredFile file = some_file("file_" + std::to_string(expires_ms));
    file.expires_ms = expires_ms;
    ASSERT_TRUE(store_.insert(file, 10));
  }
  EXPECT_EQ(store_.remove_expired(20, 1), 1);
  EXPECT_EQ(store_.remove_expired(20, 10), 1);
  EXPECT_EQ(store_.remove_expired(20, 10), 0);
  EXPECT_TRUE(store_.find("file_0"));
  EXPECT_TRUE(store_.find("file_30"));
}

TEST_P(FileStoreContract, KeepsTheBytesOfItsFilesFromTheSweep) {
  ASSERT_TRUE(store_.insert(some_file("file_1"), 10));
  const std::string blobs[] = {std::string(64, 'a'), std::string(64, 'b')};
  EXPECT_EQ(under_test_.archive->orphans(blobs), std::vector{blobs[1]});
  ASSERT_TRUE(store_.remove("file_1"));
  EXPECT_EQ(under_test_.archive->orphans(blobs)->size(), 2u);
}

}  // namespace imagined::service
