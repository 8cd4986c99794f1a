#include "video/frames.h"

#include <algorithm>

#include "base/check.h"

namespace imagined::video {
namespace {

// 65536 times 255/219, and 255/224 times what BT.709 makes of the colour differences.
constexpr int kHalf = 1 << 15;
constexpr int kLuma = 76309;
constexpr int kRedOfRed = 117489;
constexpr int kGreenOfBlue = -13975;
constexpr int kGreenOfRed = -34925;
constexpr int kBlueOfBlue = 138438;

std::uint8_t level(int value) {
  return static_cast<std::uint8_t>(std::clamp((value + kHalf) >> 16, 0, 255));
}

}  // namespace

std::size_t frame_bytes(int width, int height) {
  return static_cast<std::size_t>(width) * static_cast<std::size_t>(height) * 3 / 2;
}

void pack_frame(const FrameView& frame, std::uint8_t* to) {
  for (int plane = 0; plane < 3; ++plane) {
    const int part = plane == 0 ? 1 : 2;
    for (int row = 0; row < frame.height / part; ++row)
      to = std::copy_n(frame.planes[plane] + std::ptrdiff_t{row} * frame.strides[plane],
                       frame.width / part, to);
  }
}

int Frames::at(double second) const {
  constexpr double kRoundingSeconds = 0.001;
  const auto next = std::ranges::upper_bound(times, second + kRoundingSeconds);
  return std::max(0, static_cast<int>(next - times.begin()) - 1);
}

double Frames::speed() const {
  constexpr double kShortestSeconds = 0.001;
  std::vector<double> durations;
  for (std::size_t i = 0; i < times.size(); ++i)
    durations.push_back((i + 1 < times.size() ? times[i + 1] : seconds) - times[i]);
  std::ranges::sort(durations);
  CHECK(!durations.empty(), "frames without times");
  return 1 / std::max(kShortestSeconds,
                      durations[std::min(durations.size() - 1, (durations.size() + 9) / 10)]);
}

image::Picture Frames::picture(int index) const {
  CHECK(index >= 0 && index < count, "frame {} of {}", index, count);
  const auto across = static_cast<std::size_t>(width);
  const auto down = static_cast<std::size_t>(height);
  const std::uint8_t* y =
      planes.data() + static_cast<std::size_t>(index) * frame_bytes(width, height);
  const std::uint8_t* cb = y + across * down;
  const std::uint8_t* cr = cb + across * down / 4;
  image::Picture made{.width = width, .height = height, .channels = 3, .pixels = {}};
  made.pixels.resize(across * down * 3);
  std::uint8_t* to = made.pixels.data();
  for (std::size_t row = 0; row < down; ++row)
    for (std::size_t column = 0; column < across; ++column, to += 3) {
      const std::size_t quarter = row / 2 * (across / 2) + column / 2;
      const int luma = kLuma * (y[row * across + column] - 16);
      const int blue = cb[quarter] - 128;
      const int red = cr[quarter] - 128;
      to[0] = level(luma + kRedOfRed * red);
      to[1] = level(luma + kGreenOfBlue * blue + kGreenOfRed * red);
      to[2] = level(luma + kBlueOfBlue * blue);
    }
  return made;
}

}  // namespace imagined::video
