#include "base/file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include "base/folder_testing.h"

namespace imagined {
namespace {

namespace fs = std::filesystem;

class ReadFile : public ::testing::Test {
 protected:
  fs::path write(const std::string& bytes) const { return test_folder_.write("a.json", bytes); }
  const TestFolder test_folder_;
  const fs::path& folder_ = test_folder_.path();
};

TEST_F(ReadFile, GivesAllBytesUpToTheLimit) {
  const std::string bytes("a\0b\n", 4);
  EXPECT_EQ(read_file(write(bytes), 4).value(), bytes);
  EXPECT_EQ(read_file(write(""), 0).value(), "");
  const Result<std::string> larger = read_file(write(bytes), 3);
  ASSERT_FALSE(larger);
  EXPECT_EQ(larger.error().code, ErrorCode::invalid_argument);
  EXPECT_EQ(larger.error().message, "a.json: more than 3 bytes, which are allowed");
}

TEST_F(ReadFile, ReadsFilesThatSayTheyAreEmpty) {
  EXPECT_GT(read_file("/proc/self/status", 1 << 20).value().size(), 100u);
  EXPECT_FALSE(read_file("/proc/self/status", 100));
}

TEST_F(ReadFile, SaysWhatIsWrongUnderTheNameThatItWasGiven) {
  const Result<std::string> missing = read_file(folder_ / "b.json", "the list", 10);
  EXPECT_EQ(missing.error().code, ErrorCode::not_found);
  EXPECT_EQ(missing.error().message, "the list: no such file");
  EXPECT_EQ(missing.error().detail, (folder_ / "b.json").string());
  EXPECT_EQ(read_file(write("") / "c", 10).error().code, ErrorCode::not_found);
  EXPECT_EQ(read_file(folder_, "x", 10).error().message, "x: is a folder, not a file");
  const fs::path pipe = folder_ / "pipe";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  EXPECT_EQ(read_file(pipe, 10).error().message, "pipe: is not a regular file");
}

TEST_F(ReadFile, SaysThatAFileMayNotBeRead) {
  if (::geteuid() == 0) GTEST_SKIP() << "root reads every file";
  const fs::path path = write("x");
  fs::permissions(path, fs::perms::none);
  EXPECT_EQ(read_file(path, 10).error().code, ErrorCode::permission_denied);
}

}  // namespace
}  // namespace imagined
