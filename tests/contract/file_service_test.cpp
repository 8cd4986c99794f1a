#include "service/files/file_service.h"

#include <gtest/gtest.h>

#include "base/ids.h"
#include "service/maintenance/file_expiry.h"
#include "storage/memory/memory_blob_store.h"
#include "storage/memory/memory_file_store.h"

namespace imagined::service {
namespace {

class FileServiceTest : public testing::Test {
 protected:
  static Caller member_of(std::string team) {
    return {.owner = {.team_id = std::move(team), .key_id = "kid"}, .scopes = ScopeSet::all()};
  }
  Result<StoredFile> add(std::optional<std::int64_t> life_s = {}, std::string name = "hat.png") {
    const auto writer = TRY(files_.begin(caller_));
    const std::vector<std::uint8_t> bytes = {1, 2, 3};
    TRY(writer->append(bytes));
    return files_.add(caller_, {.name = std::move(name),
                                .blob = TRY(writer->finish()),
                                .size_bytes = 3,
                                .life_s = life_s});
  }

  ManualClock clock_;
  storage::MemoryFileStore store_;
  storage::MemoryBlobStore blobs_{clock_};
  FileService files_{store_, blobs_, clock_};
  Caller caller_ = member_of("ours");
  Caller stranger_ = member_of("theirs");
};

TEST_F(FileServiceTest, KeepsAFileUntilItIsDeleted) {
  const auto file = add();
  ASSERT_TRUE(file) << file.error().message;
  EXPECT_TRUE(file->id.starts_with("file_"));
  EXPECT_EQ(files_.content(caller_, file->id), (std::vector<std::uint8_t>{1, 2, 3}));
  EXPECT_EQ(files_.list(caller_, {}), std::vector{*file});
  ASSERT_TRUE(files_.remove(caller_, file->id));
  EXPECT_EQ(files_.find(caller_, file->id).error().code, ErrorCode::not_found);
  EXPECT_EQ(files_.remove(caller_, file->id).error().code, ErrorCode::not_found);
}

TEST_F(FileServiceTest, ShowsNobodyTheFilesOfAnotherTeam) {
  const std::string id = add()->id;
  EXPECT_EQ(files_.find(stranger_, id).error().code, ErrorCode::not_found);
  EXPECT_EQ(files_.content(stranger_, id).error().code, ErrorCode::not_found);
  EXPECT_EQ(files_.remove(stranger_, id).error().code, ErrorCode::not_found);
  EXPECT_TRUE(files_.list(stranger_, {})->empty());
  EXPECT_TRUE(files_.find(caller_, id));
}

TEST_F(FileServiceTest, ForgetsAFileWhenItsTimeIsOver) {
  const std::string id = add(3'600)->id;
  const Duty expiry = file_expiry(store_, clock_);
  clock_.advance_ms(3'599'999);
  EXPECT_EQ(expiry.run_once({}), 0);
  EXPECT_TRUE(files_.find(caller_, id));
  clock_.advance_ms(1);
  EXPECT_EQ(files_.find(caller_, id).error().code, ErrorCode::not_found);
  EXPECT_EQ(expiry.run_once({}), 1);
  EXPECT_EQ(store_.find(id).error().code, ErrorCode::not_found);
}

TEST_F(FileServiceTest, NamesWhatMayNotBe) {
  for (const std::int64_t life_s : {3'599, 2'592'001, -1}) {
    EXPECT_EQ(add(life_s).error().field, "expires_after") << life_s;
  }
  for (const std::string& name : {std::string(), std::string(256, 'x'), std::string("a\0b", 3),
                                  std::string("a\nb"), std::string("a\xFF"), std::string("\x7F")})
    EXPECT_EQ(add({}, name).error().field, "filename") << name;
  EXPECT_EQ(files_.check(caller_, {.name = "a\nb"}).error().field, "filename");
  EXPECT_EQ(files_.list(caller_, {.count = 101}).error().field, "limit");
  EXPECT_EQ(files_.list(caller_, {.count = 0}).error().field, "limit");
}

TEST_F(FileServiceTest, TakesAPageOnlyFromWhereAPageBeforeCanHaveEnded) {
  const std::string id = add()->id;
  for (const char* token : {"x", "file_", "file_1", "FILE_0193e9c0-0000-7000-8000-000000000000"})
    EXPECT_EQ(files_.list(caller_, {.after = token}).error().field, "pagination_token") << token;
  ASSERT_TRUE(files_.remove(caller_, id));
  EXPECT_TRUE(files_.list(caller_, {.after = id})) << "a file that is gone since";
}

TEST_F(FileServiceTest, MakesOneFileOfAPictureHoweverOftenItsOrderIsAskedForAgain) {
  const auto keep = [&](std::string order_id, std::string picture_id) {
    return files_.add(caller_, {.name = "kite.jpg",
                                .blob = std::string(64, 'a'),
                                .size_bytes = 7,
                                .order_id = std::move(order_id),
                                .picture_id = std::move(picture_id)});
  };
  const std::string order = make_uuid(clock_);
  const auto once = keep(order, "picture");
  ASSERT_TRUE(once);
  clock_.advance_ms(1'000);
  EXPECT_EQ(*keep(order, "picture"), *once);
  EXPECT_NE(keep(order, "other")->id, once->id);
  EXPECT_NE(keep(make_uuid(clock_), "picture")->id, once->id);
  EXPECT_EQ(files_.list(caller_, {})->size(), 3u);
}

TEST_F(FileServiceTest, ShowsEverybodyAPublicFileUntilItIsRevoked) {
  const std::string id = add()->id;
  EXPECT_TRUE(files_.find(caller_, id)->public_name.empty());
  const auto shown = files_.publish(caller_, id, {});
  ASSERT_TRUE(shown) << shown.error().message;
  EXPECT_EQ(files_.publish(caller_, id, {})->public_name, shown->public_name)
      << "it stays the same";
  const auto found = files_.find_public(shown->public_name);
  ASSERT_TRUE(found);
  EXPECT_EQ(files_.content(*found), (std::vector<std::uint8_t>{1, 2, 3}));
  EXPECT_EQ(files_.revoke(caller_, id)->public_name, shown->public_name);
  EXPECT_EQ(files_.find_public(shown->public_name).error().code, ErrorCode::not_found);
  EXPECT_TRUE(files_.revoke(caller_, id)->public_name.empty()) << "there is nothing to revoke";
  EXPECT_NE(files_.publish(caller_, id, {})->public_name, shown->public_name);
}

TEST_F(FileServiceTest, EndsAPublicNameWithItsTimeAndWithItsFile) {
  const std::string id = add(7'200)->id;
  const std::string name = files_.publish(caller_, id, {.life_s = 3'600})->public_name;
  clock_.advance_ms(3'599'999);
  EXPECT_TRUE(files_.find_public(name));
  clock_.advance_ms(1);
  EXPECT_EQ(files_.find_public(name).error().code, ErrorCode::not_found);
  EXPECT_TRUE(files_.find(caller_, id)->public_name.empty());
  EXPECT_TRUE(files_.list(caller_, {})->front().public_name.empty());
  const std::string again = files_.publish(caller_, id, {})->public_name;
  EXPECT_NE(again, name) << "what has ended stays so";
  clock_.advance_ms(3'600'000);
  EXPECT_EQ(files_.find_public(again).error().code, ErrorCode::not_found);
}

TEST_F(FileServiceTest, NamesWhatOfAPublicNameMayNotBe) {
  const std::string id = add(7'200)->id;
  for (const std::int64_t life_s : {3'599, 7'201, 2'592'001})
    EXPECT_EQ(files_.publish(caller_, id, {.life_s = life_s}).error().field, "expires_after");
  EXPECT_EQ(files_.publish(stranger_, id, {}).error().code, ErrorCode::not_found);
  EXPECT_EQ(files_.revoke(stranger_, id).error().code, ErrorCode::not_found);
  const FileWish wish{.name = "a", .life_s = 3'600, .for_everybody = PublicWish{.life_s = 3'601}};
  EXPECT_EQ(files_.check(caller_, wish).error().field, "public_url.expires_after");
  const auto empty = files_.add(caller_, {.name = "a", .blob = std::string(64, 'a')});
  EXPECT_EQ(files_.publish(caller_, empty->id, {}).error().code, ErrorCode::invalid_argument);
}

TEST_F(FileServiceTest, NoVerbWorksWithoutTheScope) {
  const std::string id = add()->id;
  caller_.scopes = ScopeSet().add(Scope::images).add(Scope::edits);
  for (const auto& error :
       {add().error(), files_.find(caller_, id).error(), files_.list(caller_, {}).error(),
        files_.content(caller_, id).error(), files_.publish(caller_, id, {}).error(),
        files_.revoke(caller_, id).error(), files_.remove(caller_, id).error()})
    EXPECT_EQ(error.reason, ErrorReason::wrong_scope);
}

}  // namespace
}  // namespace imagined::service
