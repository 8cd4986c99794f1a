#include "image/encode.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <random>

#include "image/decode.h"

namespace imagined::image {
namespace {

Picture gradient(int width, int height, int channels) {
  Picture picture{.width = width, .height = height, .channels = channels, .pixels = {}};
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x)
      for (int c = 0; c < channels; ++c)
        picture.pixels.push_back(
            static_cast<std::uint8_t>(255 * (c == 1 ? y : x) / (c == 1 ? height : width)));
  return picture;
}

Picture noise(int width, int height, int channels) {
  Picture picture = gradient(width, height, channels);
  std::mt19937 random(1);
  for (auto& byte : picture.pixels) byte = static_cast<std::uint8_t>(random());
  return picture;
}

TEST(EncodePng, ComesBackBitForBitInAllSizes) {
  for (const int width : {1, 2, 3, 7, 64, 333})
    for (const int height : {1, 2, 5, 100})
      for (const int channels : {3, 4})
        for (const Picture& picture :
             {gradient(width, height, channels), noise(width, height, channels)}) {
          const auto decoded = decode(encode_png(picture.view()));
          ASSERT_TRUE(decoded) << decoded.error().detail;
          EXPECT_EQ(decoded->channels, channels);
          EXPECT_EQ(decoded->pixels, picture.pixels) << width << " x " << height;
        }
}

TEST(EncodePng, ComesBackBitForBitAcrossBands) {
  const Picture picture = noise(700, 500, 3);  // a million bytes: five bands
  EXPECT_EQ(decode(encode_png(picture.view()))->pixels, picture.pixels);
}

TEST(EncodePng, ShrinksAFlatPicture) {
  Picture picture{.width = 1024, .height = 1024, .channels = 3, .pixels = {}};
  picture.pixels.assign(3 * 1024 * 1024, 200);
  EXPECT_LT(encode_png(picture.view()).size(), 40'000u);
}

TEST(EncodePng, SaysTheSizeInItsHeader) {
  const auto header = read_header(encode_png(gradient(40, 30, 3).view()));
  EXPECT_EQ(header->format, Format::png);
  EXPECT_EQ(header->width, 40);
  EXPECT_EQ(header->height, 30);
}

/// Peak signal to noise ratio in decibels.
double psnr(const Picture& a, const Picture& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.pixels.size(); ++i)
    sum += std::pow(double{static_cast<double>(a.pixels[i])} - b.pixels[i], 2);
  return 10 * std::log10(255.0 * 255.0 * static_cast<double>(a.pixels.size()) / sum);
}

// A smooth picture at quality 90 reaches 45 dB; swapped colours or rows would score below 15.
TEST(EncodeJpeg, ComesBackNearlyTheSame) {
  const Picture picture = gradient(320, 200, 3);
  const auto decoded = decode(*encode_jpeg(picture.view()));
  ASSERT_TRUE(decoded);
  EXPECT_GT(psnr(picture, *decoded), 38);
}

TEST(EncodeJpeg, SpendsMoreBytesOnMoreQuality) {
  const Picture picture = noise(64, 64, 3);
  EXPECT_GT(encode_jpeg(picture.view(), {.quality = 95})->size(),
            encode_jpeg(picture.view(), {.quality = 50})->size());
}

TEST(EncodeJpeg, DropsAlpha) {
  const auto decoded = decode(*encode_jpeg(gradient(16, 16, 4).view()));
  EXPECT_EQ(decoded->channels, 3);
}

TEST(EncodeWebp, KeepsSizeAlphaAndMostOfTheColours) {
  for (const int channels : {3, 4}) {
    const Picture picture = gradient(40, 24, channels);
    const auto decoded = decode(*encode_webp(picture.view(), {.quality = 100}));
    ASSERT_TRUE(decoded) << decoded.error().message;
    EXPECT_EQ(decoded->width, 40);
    EXPECT_EQ(decoded->height, 24);
    ASSERT_EQ(decoded->channels, channels);
    double error = 0;
    for (std::size_t i = 0; i < picture.pixels.size(); ++i)
      error += std::abs(picture.pixels[i] - decoded->pixels[i]);
    EXPECT_LT(error / static_cast<double>(picture.pixels.size()), 4.0);
  }
}

TEST(EncodeWebp, GetsSmallerWithLessQuality) {
  const Picture picture = gradient(64, 64, 3);
  EXPECT_GT(encode_webp(picture.view(), {.quality = 95})->size(),
            encode_webp(picture.view(), {.quality = 20})->size());
}

TEST(EncodeWebp, RefusesWhatTheFormatCannotHold) {
  EXPECT_EQ(encode_webp(gradient(16'384, 1, 3).view()).error().code, ErrorCode::internal);
}

TEST(Encode, ChoosesByFormat) {
  const Picture picture = gradient(8, 8, 3);
  EXPECT_EQ(read_header(*encode(picture.view(), Format::jpeg))->format, Format::jpeg);
  EXPECT_EQ(read_header(*encode(picture.view(), Format::png))->format, Format::png);
  EXPECT_EQ(read_header(*encode(picture.view(), Format::webp))->format, Format::webp);
}

TEST(EncodeDeathTest, DiesOnPixelsThatDoNotFitTheirSize) {
  const Picture picture = gradient(8, 8, 3);
  const PictureView wrong{8, 9, 3, picture.pixels};
  EXPECT_DEATH(static_cast<void>(encode_png(wrong)), "8 x 9 x 3 pixels in 192 bytes");
}

}  // namespace
}  // namespace imagined::image
