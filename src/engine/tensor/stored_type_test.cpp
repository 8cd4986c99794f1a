// The goldens of flux.md section 11.7: two blocks of hashed bytes of every encoding; NVFP4's are of
// gguf 0.19.0 on bytes made alike.
#include "engine/tensor/stored_type.h"

#include <gmock/gmock.h>

#include <cmath>
#include <optional>
#include <string>
#include <vector>

#include "engine/tensor/dtype.h"
#include "engine/tensor/each_target_testing.h"

namespace imagined::engine {
namespace {

/// The top byte of the hash of flux.md section 11.1.
std::byte hash_byte(std::string_view name, std::uint32_t index) {
  std::uint32_t x = 2166136261u;
  for (const char c : name) x = (x ^ static_cast<unsigned char>(c)) * 16777619u;
  x += index * 2654435761u;
  x = (x ^ x >> 16) * 0x85ebca6bu;
  x = (x ^ x >> 13) * 0xc2b2ae35u;
  return static_cast<std::byte>((x ^ x >> 16) >> 24);
}

struct Golden {
  const char* type;
  std::size_t bytes;
  std::size_t d;                 // where each block's scale is set to 0.0625
  std::optional<std::size_t> m;  // and its offset to 0.03125
  std::array<double, 4> first;
  std::array<double, 2> last;
  double sum;
  double weighted;  // sum over k of (k + 1) w_k^2, to four places
};

const Golden kGoldens[] = {
    {"Q4_0", 18, 0, {}, {-0.1875, 0.3125, -0.5, 0.3125}, {0.375, 0.3125}, -3.6875, 197.8086},
    {"Q4_1", 20, 0, 2, {0.28125, 0.65625, 0.40625, 0.09375}, {0.59375, 0.78125}, 32.3125, 732.3047},
    {"Q5_0", 22, 0, {}, {0.6875, -0.25, -0.75, -0.8125}, {-0.8125, 0.3125}, 2.125, 826.0039},
    {"Q5_1", 24, 0, 2, {0.40625, 1.15625, 1.03125, 0.09375}, {1.40625, 0.71875}, 62.25, 2653.6406},
    {"Q8_0", 34, 0, {}, {0.6875, -3.3125, -3.25, -0.4375}, {7.4375, 2.0625}, 24.5, 43868.125},
    {"Q2_K",
     84,
     80,
     82,
     {-0.09375, 0.84375, 0.84375, -0.09375},
     {2.25, 2.25},
     188.1875,
     85707.9648},
    {"Q3_K", 110, 108, {}, {0.875, -3.5, -3.5, 0.875}, {-0.875, -0.4375}, -168.25, 1125114.1211},
    {"Q4_K",
     144,
     0,
     2,
     {-1.8125, -0.3125, 0.0625, -1.6875},
     {14.1875, 15.5625},
     6037.9375,
     46683065.5391},
    {"Q5_K",
     176,
     0,
     2,
     {4.09375, 5.84375, 3.59375, -1.15625},
     {9.34375, 17.46875},
     13903.0625,
     156889152.5977},
    {"Q6_K",
     210,
     208,
     {},
     {2.75, -9.625, -6.875, 15.125},
     {56.875, 109.6875},
     -874.8125,
     1264035087.9922},
    {"IQ4_NL",
     18,
     0,
     {},
     {-3.0625, 0.8125, 7.0625, 0.0625},
     {-5.1875, -3.0625},
     -25.125,
     44735.2266},
    {"NVFP4", 36, 0, {}, {0, 0, 0, 0}, {0.01171875, 0.005859375}, -35.423828125, 1123799.5205},
};

class BlockGolden : public ::testing::TestWithParam<Golden> {
 protected:
  /// The numbers of the two blocks; empty where the encoding is unknown.
  std::vector<float> decoded() const {
    const Golden& golden = GetParam();
    const StoredType* format = find_stored_type(golden.type);
    if (format == nullptr || format->size_bytes != static_cast<std::int64_t>(golden.bytes))
      return {};
    std::vector<std::byte> bytes(2 * golden.bytes);
    for (std::size_t i = 0; i < bytes.size(); ++i)
      bytes[i] = hash_byte("gguf." + std::string(golden.type), static_cast<std::uint32_t>(i));
    for (std::size_t block = 0; block < bytes.size(); block += golden.bytes) {
      bytes[block + golden.d] = std::byte{0x00};
      bytes[block + golden.d + 1] = std::byte{0x2c};
      if (!golden.m) continue;
      bytes[block + *golden.m] = std::byte{0x00};
      bytes[block + *golden.m + 1] = std::byte{0x28};
    }
    std::vector<float> out(static_cast<std::size_t>(2 * format->elements));
    decode_blocks(*format, bytes, out.data());
    return out;
  }
};

TEST_P(BlockGolden, DecodesTheFirstAndLastWeightsExactly) {
  const Golden& golden = GetParam();
  const std::vector<float> w = decoded();
  ASSERT_GE(w.size(), 64u);
  for (std::size_t i = 0; i < 4; ++i) EXPECT_EQ(w[i], golden.first[i]) << "weight " << i;
  EXPECT_EQ(w[w.size() - 2], golden.last[0]);
  EXPECT_EQ(w[w.size() - 1], golden.last[1]);
}

TEST_P(BlockGolden, DecodesWeightsOfTheGivenSum) {
  double sum = 0;
  for (const float w : decoded()) sum += w;
  EXPECT_EQ(sum, GetParam().sum);  // multiples of 1/32: exact in a double
}

TEST_P(BlockGolden, DecodesEveryWeightInItsPlace) {
  double weighted = 0;
  double k = 1;
  for (const float w : decoded()) weighted += k++ * w * w;
  // The golden is rounded to four places; terms are multiples of 1/1024, exact in a double. Two
  // different weights that changed places move it by at least 1/1024.
  EXPECT_NEAR(weighted, GetParam().weighted, 0.00005000001);
}

INSTANTIATE_TEST_SUITE_P(Hashed, BlockGolden, ::testing::ValuesIn(kGoldens),
                         [](const auto& param) { return std::string(param.param.type); });

TEST(BlockGoldens, AreMadeOfTheHashedBytesOfTheDocument) {
  std::vector<int> bytes;
  for (std::uint32_t i = 0; i < 8; ++i)
    bytes.push_back(std::to_integer<int>(hash_byte("gguf.Q8_0", i)));
  EXPECT_THAT(bytes, ::testing::ElementsAre(79, 64, 11, 203, 204, 249, 92, 91));
}

TEST(StoredTypes, AreFoundByTheirNameAndNumber) {
  for (const StoredType& type : stored_types()) {
    EXPECT_EQ(find_stored_type(type.name), &type);
    EXPECT_EQ(find_ggml_type(type.ggml_type), type.ggml_type == kNoGgmlType ? nullptr : &type)
        << type.name;
  }
  EXPECT_EQ(find_ggml_type(16), nullptr);  // IQ2_XXS is not decoded
}

TEST(StoredTypes, NeverHoldMoreNumbersThanTheStatedMaximum) {
  for (const StoredType& type : stored_types())
    EXPECT_LE(type.elements, kMaxBlockElements) << type.name;
}

/// A float of 1 sign, `exponents` exponent and `fractions` fraction bits, from its definition.
double number_of(int bits, int exponents, int fractions) {
  const int fraction = bits & ((1 << fractions) - 1);
  const int exponent = bits >> fractions & ((1 << exponents) - 1);
  const int bias = (1 << (exponents - 1)) - 1;
  const double unit = std::ldexp(1.0, -fractions);
  const double size = exponent == 0 ? std::ldexp(fraction * unit, 1 - bias)
                                    : std::ldexp(1 + fraction * unit, exponent - bias);
  return (bits >> (exponents + fractions) & 1) != 0 ? -size : size;
}

/// All 256 (or 65536) patterns of a type at once, so that the vectors' loops are run too.
std::vector<float> all_patterns(std::string_view type, int bytes) {
  const int count = bytes == 1 ? 256 : 65536;
  std::vector<std::byte> patterns;
  for (int bits = 0; bits < count; ++bits) {
    patterns.push_back(static_cast<std::byte>(bits & 255));
    if (bytes == 2) patterns.push_back(static_cast<std::byte>(bits >> 8));
  }
  std::vector<float> out(static_cast<std::size_t>(count));
  decode_blocks(*find_stored_type(type), patterns, out.data());
  return out;
}

TEST(ShortFloats, AreWhatTheirDefinitionSaysForEveryPattern) {
  testing::on_each_target([](const std::string& target) {
    const std::vector<float> e4m3 = all_patterns("F8_E4M3", 1);
    const std::vector<float> e5m2 = all_patterns("F8_E5M2", 1);
    for (int bits = 0; bits < 256; ++bits) {
      const float ours4 = e4m3[static_cast<std::size_t>(bits)];
      const float ours5 = e5m2[static_cast<std::size_t>(bits)];
      if ((bits & 127) == 127) {
        EXPECT_TRUE(std::isnan(ours4)) << target;  // e4m3 has no infinity
      } else {
        EXPECT_EQ(ours4, number_of(bits, 4, 3)) << target << " e4m3 " << bits;
      }
      if ((bits & 124) == 124) {
        EXPECT_EQ(std::isnan(ours5), (bits & 3) != 0) << target;
        EXPECT_FALSE(std::isfinite(ours5)) << target;
      } else {
        EXPECT_EQ(ours5, number_of(bits, 5, 2)) << target << " e5m2 " << bits;
      }
    }
    const std::vector<float> f16 = all_patterns("F16", 2);
    for (int bits = 0; bits < 65536; ++bits) {
      const float ours = f16[static_cast<std::size_t>(bits)];
      if ((bits & 0x7c00) == 0x7c00) {
        ASSERT_EQ(std::isnan(ours), (bits & 0x3ff) != 0) << target << " " << bits;
        ASSERT_FALSE(std::isfinite(ours)) << target << " " << bits;
      } else {
        ASSERT_EQ(ours, number_of(bits, 5, 10)) << target << " f16 " << bits;
      }
    }
  });
}

TEST(ShortFloats, OfPowersOfTwoReachFromTheSmallestToNan) {
  const std::vector<float> e8m0 = all_patterns("F8_E8M0", 1);
  for (int bits = 0; bits < 255; ++bits)
    EXPECT_EQ(e8m0[static_cast<std::size_t>(bits)], std::ldexp(1.0, bits - 127)) << bits;
  EXPECT_TRUE(std::isnan(e8m0[255]));
}

}  // namespace
}  // namespace imagined::engine
