#include "cli/picture_file.h"

#include <gtest/gtest.h>

namespace imagined::cli {
namespace {

using image::Format;

TEST(PictureFile, TakesItsFormatFromTheName) {
  EXPECT_EQ(choose_picture_file("a.png", "", 1)->format, Format::png);
  EXPECT_EQ(choose_picture_file("a.jpg", "", 1)->format, Format::jpeg);
  EXPECT_EQ(choose_picture_file("a.jpeg", "", 1)->format, Format::jpeg);
  EXPECT_EQ(choose_picture_file("a.webp", "", 1)->format, Format::webp);
  EXPECT_FALSE(choose_picture_file("a.gif", "", 1));
  EXPECT_FALSE(choose_picture_file("a", "", 1));
}

TEST(PictureFile, TakesTheFormatThatIsAskedForWhateverTheName) {
  const auto file = choose_picture_file("picture", "jpeg", 1);
  ASSERT_TRUE(file) << file.error().message;
  EXPECT_EQ(file->format, Format::jpeg);
  EXPECT_EQ(file->path, "picture");
}

TEST(PictureFile, IsStdoutForAHyphenWithOnePicture) {
  const auto file = choose_picture_file("-", "", 1);
  ASSERT_TRUE(file) << file.error().message;
  EXPECT_TRUE(file->is_stdout());
  EXPECT_EQ(file->format, Format::png);
  EXPECT_FALSE(choose_picture_file("-", "", 2));
}

TEST(Numbered, CountsWhereThereAreSeveral) {
  EXPECT_EQ(numbered("d/out.png", 0, 1), "d/out.png");
  EXPECT_EQ(numbered("d/out.png", 1, 2), "d/out-2.png");
  EXPECT_EQ(numbered("out", 1, 2), "out-2");
}

}  // namespace
}  // namespace imagined::cli
