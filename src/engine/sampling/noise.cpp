#include "engine/sampling/noise.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <numbers>
#include <random>
#include <vector>

namespace imagined::engine {
namespace {

using Words = std::array<std::uint32_t, 4>;

/// Philox4x32-10. The constants are the published multipliers and Weyl increments.
Words philox(std::uint64_t key, std::uint64_t counter) {
  Words x{static_cast<std::uint32_t>(counter), static_cast<std::uint32_t>(counter >> 32), 0, 0};
  auto key0 = static_cast<std::uint32_t>(key);
  auto key1 = static_cast<std::uint32_t>(key >> 32);
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t p0 = std::uint64_t{0xD2511F53u} * x[0];
    const std::uint64_t p1 = std::uint64_t{0xCD9E8D57u} * x[2];
    x = {static_cast<std::uint32_t>(p1 >> 32) ^ x[1] ^ key0, static_cast<std::uint32_t>(p1),
         static_cast<std::uint32_t>(p0 >> 32) ^ x[3] ^ key1, static_cast<std::uint32_t>(p0)};
    key0 += 0x9E3779B9u;
    key1 += 0xBB67AE85u;
  }
  return x;
}

/// ln x for a normal x > 0: x = 2^e m with m in [sqrt(1/2), sqrt(2)), ln m = 2 artanh((m-1)/(m+1)),
/// a series in s^2 <= 0.0295 whose twelfth term is below 2^-60.
double portable_log(double x) {
  const auto bits = std::bit_cast<std::uint64_t>(x);
  int exponent = static_cast<int>(bits >> 52) - 1023;
  double m = std::bit_cast<double>((bits & 0xfffffffffffffu) | 0x3ff0000000000000u);
  if (m > std::numbers::sqrt2) {
    m *= 0.5;
    ++exponent;
  }
  const double s = (m - 1.0) / (m + 1.0);
  const double square = s * s;
  double series = 0;
  for (int k = 23; k >= 1; k -= 2) series = series * square + 1.0 / k;
  return exponent * std::numbers::ln2 + 2.0 * s * series;
}

struct CosSin {
  double cos;
  double sin;
};

/// Of `turn` / 2^32 full turns. The nearest quarter turn is split off exactly, in integers; the
/// rest is within pi / 4, where Taylor's series ends below 2^-56 with x^17.
CosSin portable_cos_sin(std::uint32_t turn) {
  const std::uint32_t quarter = (turn + 0x20000000u) >> 30;
  const auto rest = static_cast<std::int32_t>(turn - (quarter << 30));
  const double x = rest * (std::numbers::pi / 2147483648.0);
  const double square = x * x;
  double cos = 1;
  double sin = 1;
  for (int k = 16; k >= 2; k -= 2) {
    cos = 1.0 - cos * square / (k * (k - 1));
    sin = 1.0 - sin * square / (k * (k + 1));
  }
  sin *= x;
  switch (quarter & 3u) {
    case 0:
      return {cos, sin};
    case 1:
      return {-sin, cos};
    case 2:
      return {-cos, -sin};
    default:
      return {sin, -cos};
  }
}

std::array<float, 4> normal_block(std::uint64_t seed, std::uint64_t block) {
  const Words words = philox(seed, block);
  std::array<float, 4> values;
  for (std::size_t i = 0; i < 4; i += 2) {
    const double uniform = (words[i] + 0.5) * 0x1p-32;
    const double radius = std::sqrt(-2.0 * portable_log(uniform));
    const CosSin direction = portable_cos_sin(words[i + 1]);
    values[i] = static_cast<float>(radius * direction.cos);
    values[i + 1] = static_cast<float>(radius * direction.sin);
  }
  return values;
}

/// PyTorch draws a whole tensor of uniforms first and then turns blocks of 16 into normals in
/// place.
void torch_transform_16(float* d) {
  for (std::size_t j = 0; j < 8; ++j) {
    const double radius = std::sqrt(-2.0 * std::log(1.0 - static_cast<double>(d[j])));
    const double angle = 2.0 * std::numbers::pi * static_cast<double>(d[j + 8]);
    d[j] = static_cast<float>(radius * std::cos(angle));
    d[j + 8] = static_cast<float>(radius * std::sin(angle));
  }
}

void torch_uniform(std::mt19937& engine, std::span<float> out) {
  for (float& value : out) value = static_cast<float>(engine() & 0xffffffu) * 0x1p-24f;
}

/// Fewer than 16 values are drawn one pair at a time, in double.
void torch_few(std::mt19937& engine, std::span<float> out) {
  const auto uniform = [&engine] {
    const std::uint64_t upper = engine();
    const std::uint64_t lower = engine();
    return static_cast<double>(((upper << 32) | lower) & 0x1fffffffffffffu) * 0x1p-53;
  };
  for (std::size_t i = 0; i < out.size(); i += 2) {
    const double turn = uniform();
    const double radius = std::sqrt(-2.0 * std::log1p(-uniform()));
    const double angle = 2.0 * std::numbers::pi * turn;
    out[i] = static_cast<float>(radius * std::cos(angle));
    if (i + 1 < out.size()) out[i + 1] = static_cast<float>(radius * std::sin(angle));
  }
}

}  // namespace

void normal_values(std::uint64_t seed, std::uint64_t first, std::span<float> out) {
  for (std::size_t i = 0; i < out.size();) {
    const std::uint64_t index = first + i;
    const std::array<float, 4> block = normal_block(seed, index / 4);
    for (std::size_t lane = index % 4; lane < 4 && i < out.size(); ++lane, ++i) {
      out[i] = block[lane];
    }
  }
}

void torch_normal_values(std::uint64_t seed, std::span<float> out) {
  std::mt19937 engine(static_cast<std::uint32_t>(seed));
  if (out.size() < 16) return torch_few(engine, out);
  torch_uniform(engine, out);
  for (std::size_t i = 0; i + 16 <= out.size(); i += 16) torch_transform_16(out.data() + i);
  if (out.size() % 16 != 0) {
    const std::span<float> last = out.last(16);
    torch_uniform(engine, last);
    torch_transform_16(last.data());
  }
}

Tensor make_noise(std::uint64_t seed, std::int64_t channels, std::int64_t rows, std::int64_t cols,
                  std::int64_t fold, std::uint64_t draw, NoiseSource source) {
  CHECK(channels > 0 && rows > 0 && cols > 0, "noise [{}, {}, {}]", channels, rows, cols);
  std::vector<float> planes(static_cast<std::size_t>(channels * rows * cols));
  if (source == NoiseSource::philox) {
    normal_values(seed, draw * planes.size(), planes);
  } else {
    CHECK(draw == 0, "noise {} of PyTorch's generator", draw);
    torch_normal_values(seed, planes);
  }
  return tokens_of_planes(planes, channels, rows, cols, fold);
}

Tensor tokens_of_planes(std::span<const float> planes, std::int64_t channels, std::int64_t rows,
                        std::int64_t cols, std::int64_t fold) {
  const std::int64_t square = fold * fold;
  CHECK(fold > 0 && channels % square == 0 &&
            static_cast<std::int64_t>(planes.size()) == channels * rows * cols,
        "{} latents for {} channels of {} x {} tokens, fold {}", planes.size(), channels, rows,
        cols, fold);
  Tensor tokens(rows * cols, channels);
  for (std::int64_t t = 0; t < tokens.rows(); ++t) {
    for (std::int64_t c = 0; c < channels; ++c) {
      const std::int64_t y = t / cols * fold + c % square / fold;
      const std::int64_t x = t % cols * fold + c % fold;
      const std::int64_t plane = c / square;
      tokens.row(t)[c] =
          planes[static_cast<std::size_t>((plane * rows * fold + y) * cols * fold + x)];
    }
  }
  return tokens;
}

}  // namespace imagined::engine
