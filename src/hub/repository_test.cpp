#include "hub/repository.h"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "base/git_blob.h"
#include "hub/known_models.h"

namespace imagined::hub {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;

const std::string kSha256(64, 'a');
const std::string kGit(40, 'b');

json small(const std::string& path, int size = 7) {
  return {{"rfilename", path}, {"size", size}, {"blobId", kGit}};
}
json large(const std::string& path, std::int64_t size) {
  return {{"rfilename", path},
          {"size", size},
          {"blobId", kGit},
          {"lfs", {{"sha256", kSha256}, {"size", size}, {"pointerSize", 135}}}};
}
json answer(const json& files) {
  return {{"sha", kGit}, {"gated", false}, {"siblings", files}, {"tags", {"diffusers"}}};
}

std::string error_of(const json& given) {
  const auto read = parse_repository("a/b", given.dump());
  return read ? "none" : read.error().message;
}

TEST(ParseRepository, TakesWhatTheHubSays) {
  json given = answer({small("model_index.json"), large("vae/x.safetensors", 8'000'000'000)});
  given["gated"] = "auto";
  given["cardData"] = {{"license", "other"}, {"license_name", "flux-non-commercial-license"}};
  const auto read = parse_repository("a/b", given.dump());
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->commit, kGit);
  EXPECT_TRUE(read->gated);
  EXPECT_EQ(read->licence, "flux-non-commercial-license");
  ASSERT_EQ(read->files.size(), 2u);
  EXPECT_EQ(read->files[0].git_blob, kGit);
  EXPECT_EQ(read->files[0].sha256, "");
  EXPECT_EQ(read->files[1].sha256, kSha256);
  EXPECT_EQ(read->files[1].size_bytes, 8'000'000'000u);
}

TEST(ParseRepository, FindsTheLicenceAmongTheTagsOfAnOlderHub) {
  json given = answer(json::array());
  given["tags"] = {"diffusers", "license:mit"};
  EXPECT_EQ(parse_repository("a/b", given.dump())->licence, "mit");
}

TEST(ParseRepository, RefusesPathsThatLeadOutOfTheFolder) {
  for (const char* path : {"../x", "a/../../x", "/etc/passwd", "a//b", "a/.", "", "a\\b", "a\nb"})
    EXPECT_THAT(error_of(answer(json::array({small(path)}))), HasSubstr("a file is called"))
        << path;
  EXPECT_EQ(error_of(answer(json::array({small("a/..b/c..json")}))), "none");
}

TEST(ParseRepository, RefusesFilesWithoutSizeOrChecksum) {
  json file = small("a.json");
  file.erase("size");
  EXPECT_THAT(error_of(answer(json::array({file}))), HasSubstr("a.json has no size"));
  file = small("a.json", -1);
  EXPECT_THAT(error_of(answer(json::array({file}))), HasSubstr("a.json has no size"));
  file = small("a.json");
  file["blobId"] = "B0";
  EXPECT_THAT(error_of(answer(json::array({file}))), HasSubstr("a.json has no blobId"));
  file = large("a.safetensors", 5);
  file["lfs"]["sha256"] = nullptr;
  EXPECT_THAT(error_of(answer(json::array({file}))), HasSubstr("a.safetensors has no sha256"));
}

TEST(ParseRepository, RefusesWhatIsNoRepository) {
  EXPECT_THAT(error_of(json::array()), HasSubstr("no object"));
  EXPECT_THAT(error_of({{"siblings", json::array()}}), HasSubstr("no commit"));
  EXPECT_THAT(error_of({{"sha", kGit}}), HasSubstr("lists no files"));
  EXPECT_FALSE(parse_repository("a/b", "<html>").has_value());
}

TEST(FilesOfModel, AreThoseOfItsPartsSmallOnesFirst) {
  const auto read = parse_repository(
      "a/b", answer({large("transformer/b.safetensors", 9), small("README.md"),
                     small("model_index.json", 3), large("b.safetensors", 9), small("x.png"),
                     large("transformer/b.bin", 9), small("vae/config.json", 2),
                     small("LICENSE.md", 1), small("assets/config.json")})
                 .dump());
  ASSERT_TRUE(read) << read.error().message;
  std::vector<std::string> paths;
  for (const HubFile& file : files_of_model(*read)) paths.push_back(file.path);
  EXPECT_THAT(paths, ElementsAre("LICENSE.md", "vae/config.json", "model_index.json",
                                 "transformer/b.safetensors"));
}

TEST(RepositoryName, IsAnOwnerAndAName) {
  EXPECT_TRUE(is_repository_name("black-forest-labs/FLUX.2-klein-4B"));
  for (const char* other : {"klein", "a/b/c", "/b", "a/", "a/..", "a b/c", "a/b?c", ""})
    EXPECT_FALSE(is_repository_name(other)) << other;
}

TEST(KnownModels, HaveNamesOfTheirOwnAndRepositoriesThatMayBe) {
  for (const KnownModel& model : known_models()) {
    EXPECT_EQ(find_known_model(model.name), &model);
    EXPECT_TRUE(is_repository_name(model.repository)) << model.repository;
  }
  EXPECT_NE(find_known_model("Klein-4B"), nullptr);
  EXPECT_EQ(find_known_model("klein"), nullptr);
}

// `printf 'hello\n' | git hash-object --stdin`
TEST(GitBlobName, IsGits) {
  EXPECT_EQ(git_blob_name("hello\n"), "ce013625030ba8dba906f756967f9e9ca394464a");
  EXPECT_EQ(git_blob_name(""), "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391");
}

}  // namespace
}  // namespace imagined::hub
