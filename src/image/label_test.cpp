#include "image/label.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "image/decode.h"
#include "image/encode.h"

namespace imagined::image {
namespace {

using testing::HasSubstr;

const Label kLabel{
    .model = "a<b&\"c\"", .seed = 18446744073709551615U, .prompt_sha256 = std::string(64, 'f')};

Picture some_picture(int width, int height, int channels) {
  Picture picture{.width = width, .height = height, .channels = channels, .pixels = {}};
  for (int i = 0; i < width * height * channels; ++i)
    picture.pixels.push_back(static_cast<std::uint8_t>(i * 37 % 251));
  return picture;
}

TEST(Label, SaysModelSeedAndHashInOnePacket) {
  const std::string packet = xmp_packet(kLabel);
  EXPECT_THAT(packet, HasSubstr("imagined:Model=\"a&lt;b&amp;&quot;c&quot;\""));
  EXPECT_THAT(packet, HasSubstr("imagined:Seed=\"18446744073709551615\""));
  EXPECT_THAT(packet, HasSubstr("imagined:PromptSHA256=\"" + kLabel.prompt_sha256 + "\""));
  EXPECT_THAT(packet, HasSubstr("/trainedAlgorithmicMedia\""));
  Label edit = kLabel;
  edit.of_given_pictures = true;
  EXPECT_THAT(xmp_packet(edit), HasSubstr("/compositeWithTrainedAlgorithmicMedia\""));
}

TEST(Label, LeavesThePixelsOfEveryFormatAsTheyAre) {
  for (const Format format : {Format::png, Format::jpeg, Format::webp})
    for (const int channels : {3, 4})
      for (const int width : {1, 33, 64}) {
        const Picture picture = some_picture(width, 17, channels);
        const auto plain = *encode(picture.view(), format);
        for (const char* model : {"odd", "even"}) {  // a chunk of RIFF is padded to even sizes
          Label label = kLabel;
          label.model = model;
          const auto labelled = with_label(plain, format, label);
          EXPECT_GT(labelled.size(), plain.size());
          const auto decoded = decode(labelled);
          ASSERT_TRUE(decoded) << to_string(format) << decoded.error().detail;
          EXPECT_EQ(decoded->pixels, decode(plain)->pixels) << to_string(format);
          EXPECT_EQ(decoded->width, width);
          const std::string bytes(labelled.begin(), labelled.end());
          EXPECT_THAT(bytes, HasSubstr(xmp_packet(label)));
        }
      }
}

}  // namespace
}  // namespace imagined::image
