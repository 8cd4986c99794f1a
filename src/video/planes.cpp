#include "video/planes.h"

#include "base/check.h"

namespace imagined::video {
namespace {

// The formula's factors times 65536, so that each row of colour differences adds up to 0.
constexpr int kRounding = 1 << 15;
constexpr int kLumaFactors[] = {11966, 40254, 4064};
constexpr int kBlue[] = {-6596, -22189, 28785};
constexpr int kRed[] = {28784, -26145, -2639};

int weigh(const int (&factors)[3], int r, int g, int b) {
  return factors[0] * r + factors[1] * g + factors[2] * b;
}

std::uint8_t luma_of(const std::uint8_t* pixel) {
  return static_cast<std::uint8_t>(
      16 + ((weigh(kLumaFactors, pixel[0], pixel[1], pixel[2]) + kRounding) >> 16));
}

/// `sum` is of four pixels.
std::uint8_t difference_of(const int (&factors)[3], const int (&sum)[3]) {
  return static_cast<std::uint8_t>(
      128 + ((weigh(factors, sum[0], sum[1], sum[2]) + 4 * kRounding) >> 18));
}

}  // namespace

void write_planes(const image::PictureView& picture, Planes& planes) {
  CHECK(picture.width % 2 == 0 && picture.height % 2 == 0, "a picture of {} x {} has no 4:2:0",
        picture.width, picture.height);
  const auto width = static_cast<std::size_t>(picture.width);
  const auto height = static_cast<std::size_t>(picture.height);
  const auto channels = static_cast<std::size_t>(picture.channels);
  CHECK(picture.pixels.size() == width * height * channels, "{} bytes of {} x {} x {}",
        picture.pixels.size(), width, height, channels);
  planes.width = picture.width;
  planes.height = picture.height;
  planes.y.resize(width * height);
  planes.cb.resize(planes.y.size() / 4);
  planes.cr.resize(planes.y.size() / 4);
  const std::size_t row_bytes = width * channels;
  std::size_t difference = 0;
  for (std::size_t row = 0; row < height; row += 2) {
    const std::uint8_t* upper = picture.pixels.data() + row * row_bytes;
    std::uint8_t* luma = planes.y.data() + row * width;
    for (std::size_t column = 0; column < width; column += 2, ++difference) {
      const std::uint8_t* corner = upper + column * channels;
      const std::uint8_t* pixels[] = {corner, corner + channels, corner + row_bytes,
                                      corner + row_bytes + channels};
      luma[column] = luma_of(pixels[0]);
      luma[column + 1] = luma_of(pixels[1]);
      luma[column + width] = luma_of(pixels[2]);
      luma[column + width + 1] = luma_of(pixels[3]);
      int sum[3];
      for (int c = 0; c < 3; ++c)
        sum[c] = pixels[0][c] + pixels[1][c] + pixels[2][c] + pixels[3][c];
      planes.cb[difference] = difference_of(kBlue, sum);
      planes.cr[difference] = difference_of(kRed, sum);
    }
  }
}

}  // namespace imagined::video
