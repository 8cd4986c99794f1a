#include "engine/ops/convert/convert.h"

#include <cstring>
#include <limits>

#include "engine/ops/op_testing.h"

namespace imagined::engine {
namespace {
using namespace testing;  // NOLINT: the helpers of op_testing.h

constexpr float kInfinity = std::numeric_limits<float>::infinity();

/// All 65,536 half floats, `shift` bytes off any alignment.
std::vector<std::byte> all_halves(std::size_t shift) {
  std::vector<std::byte> bytes(2 * 65536 + shift);
  for (std::uint32_t i = 0; i < 65536; ++i) {
    const auto bits = static_cast<std::uint16_t>(i);
    std::memcpy(bytes.data() + shift + 2 * i, &bits, 2);
  }
  return bytes;
}

bool same(float a, float b) { return a == b || (std::isnan(a) && std::isnan(b)); }

TEST(Convert, WidensEveryHalfFloatFromOddAddresses) {
  const auto bytes = all_halves(1);
  const Context context({.threads = 2});
  Tensor out(1, 65536);
  on_each_target([&](const std::string& target) {
    convert(context, ConstMatrixView(bytes.data() + 1, DType::f16, 1, 65536), out);
    for (std::uint32_t i = 0; i < 65536; ++i) {
      ASSERT_TRUE(same(out.row(0)[i], half_to_float(static_cast<std::uint16_t>(i))))
          << target << " " << i << ": " << out.row(0)[i];
    }
  });
}

TEST(Convert, WidensEveryBf16FromOddAddresses) {
  const auto bytes = all_halves(1);
  const Context context({.threads = 2});
  Tensor out(1, 65536);
  on_each_target([&](const std::string& target) {
    convert(context, ConstMatrixView(bytes.data() + 1, DType::bf16, 1, 65536), out);
    for (std::uint32_t i = 0; i < 65536; ++i) {
      ASSERT_TRUE(same(out.row(0)[i], to_float(Bf16{static_cast<std::uint16_t>(i)})))
          << target << " " << i;
    }
  });
}

TEST(Convert, RoundsToBf16AsTheScalarDoes) {
  // Every upper half with lower halves around the ties, infinities and NaN among them.
  std::vector<float> values;
  for (std::uint32_t upper = 0; upper < 65536; upper += 7) {
    for (const std::uint32_t lower : {0u, 1u, 0x7fffu, 0x8000u, 0x8001u, 0xffffu}) {
      values.push_back(std::bit_cast<float>((upper << 16) | lower));
    }
  }
  const auto count = static_cast<std::int64_t>(values.size());
  const Context context({.threads = 2});
  Tensor out(1, count, DType::bf16);
  on_each_target([&](const std::string& target) {
    convert(context, ConstMatrixView(values.data(), DType::f32, 1, count), out);
    for (std::int64_t i = 0; i < count; ++i) {
      ASSERT_EQ(out.row<Bf16>(0)[i].bits, to_bf16(values[static_cast<std::size_t>(i)]).bits)
          << target << " " << values[static_cast<std::size_t>(i)];
    }
  });
}

TEST(Convert, RoundsHalvesToBf16ByWayOfF32) {
  const auto bytes = all_halves(1);
  Tensor out(1, 65536, DType::bf16);
  on_each_target([&](const std::string& target) {
    convert(Context({.threads = 1}), ConstMatrixView(bytes.data() + 1, DType::f16, 1, 65536), out);
    for (std::uint32_t i = 0; i < 65536; ++i) {
      const float wide = half_to_float(static_cast<std::uint16_t>(i));
      if (std::isnan(wide)) {
        ASSERT_TRUE(std::isnan(to_float(out.row<Bf16>(0)[i]))) << target << " " << i;
      } else {
        ASSERT_EQ(out.row<Bf16>(0)[i].bits, to_bf16(wide).bits) << target << " " << i;
      }
    }
  });
}

TEST(Convert, KeepsToItsColumnsInNarrowStridedMatrices) {
  const Context context({.threads = 2});
  for (const std::int64_t cols : {1, 3, 7, 17, 33}) {
    OddMatrix in(5, cols, DType::f32, 3);
    in.fill(1);
    on_each_target([&](const std::string& target) {
      OddMatrix out(5, cols, DType::bf16, 5);
      convert(context, in.view(), out.view());
      OddMatrix expected(5, cols, DType::bf16, 5);
      convert_reference(in.view(), expected.view());
      expect_close(out, expected, {}, target);
      EXPECT_TRUE(out.surroundings_untouched()) << target;
    });
  }
}

TEST(Convert, CopiesEqualDtypes) {
  OddMatrix in(4, 9, DType::bf16);
  in.fill(3);
  OddMatrix out(4, 9, DType::bf16, 2);
  convert(Context({.threads = 1}), in.view(), out.view());
  expect_close(out, in, {}, "copy");
}

TEST(AddScaled, AddsTheProductInPlace) {
  OddMatrix in(3, 21, DType::f32);
  in.fill(1);
  on_each_target([&](const std::string& target) {
    OddMatrix out(3, 21, DType::f32);
    out.fill(2);
    OddMatrix expected(3, 21, DType::f32);
    expected.fill(2);
    add_scaled_reference(in.view(), -0.25f, expected.view());  // the product is exact
    add_scaled(Context({.threads = 1}), in.view(), -0.25f, out.view());
    expect_close(out, expected, {}, target);
    EXPECT_TRUE(out.surroundings_untouched()) << target;
  });
}

// One rounding, of the sum: the product goes into it whole.
TEST(AffineColumns, MatchesReferenceOnUnalignedRows) {
  const Vector scale(hashed_values(2, 37));
  const Vector shift(hashed_values(3, 37));
  OddMatrix in(4, 37, DType::f32);
  in.fill(1);
  OddMatrix expected(4, 37, DType::f32);
  affine_columns_reference(in.view(), scale, shift, expected.view());
  on_each_target([&](const std::string& target) {
    OddMatrix out(4, 37, DType::f32);
    affine_columns(Context({.threads = 2}), in.view(), scale, shift, out.view());
    // Without fused multiply-add the product, below 1, is rounded first.
    expect_close(out, expected, {.relative = 0x1p-24, .absolute = 0x1p-24}, target);
    EXPECT_TRUE(out.surroundings_untouched()) << target;
  });
}

TEST(AffineColumns, ScalesAndShiftsEachColumnByItsOwn) {
  OddMatrix x(3, 19, DType::f32);
  Vector scale(19), shift(19);
  for (std::size_t c = 0; c < 19; ++c) {
    scale.values()[c] = static_cast<float>(c);
    shift.values()[c] = static_cast<float>(100 * c);
  }
  on_each_target([&](const std::string& target) {
    for (std::int64_t r = 0; r < 3; ++r) {
      for (std::int64_t c = 0; c < 19; ++c) x.set(r, c, static_cast<float>(r + 1));
    }
    affine_columns(Context({.threads = 1}), x.view(), scale, shift, x.view());
    for (std::int64_t r = 0; r < 3; ++r) {
      for (std::int64_t c = 0; c < 19; ++c) {
        ASSERT_EQ(x.get(r, c), static_cast<float>((r + 1) * c + 100 * c)) << target;
      }
    }
  });
}

TEST(PixelsToSignal, RoundsEveryLevelAsTheReferenceDoes) {
  std::vector<std::uint8_t> pixels(258);
  for (std::size_t i = 0; i < 258; ++i) pixels[i] = static_cast<std::uint8_t>(i % 256);
  Tensor out(86, 3);
  on_each_target([&](const std::string& target) {
    pixels_to_signal(Context({.threads = 1}), pixels.data(), out);
    for (std::size_t i = 0; i < 258; ++i) {
      const float expected = static_cast<float>(pixels[i]) / 255.0f * 2.0f - 1.0f;
      ASSERT_EQ(out.values()[i], expected) << target << " " << i;
    }
  });
}

TEST(PixelsToSignal, MatchesReference) {
  std::vector<std::uint8_t> pixels(258);
  for (std::size_t i = 0; i < 258; ++i) pixels[i] = static_cast<std::uint8_t>(i % 256);
  OddMatrix out(86, 3, DType::f32);
  OddMatrix expected(86, 3, DType::f32);
  pixels_to_signal(Context({.threads = 1}), pixels.data(), out.view());
  pixels_to_signal_reference(pixels.data(), expected.view());
  // A quotient below 1, doubled, less 1: two roundings, the larger of a number below 2.
  expect_close(out, expected, {.absolute = 2 * 0x1p-24}, "signal");
}

TEST(SignalToPixels, MatchesReferenceOverItsWholeRange) {
  Tensor signal(1001, 3);
  for (std::size_t i = 0; i < 3003; ++i) {
    signal.values()[i] = -1.2001f + 0.0008f * static_cast<float>(i);
  }
  std::vector<std::uint8_t> actual(3003), expected(3003);
  signal_to_pixels_reference(signal, expected.data());
  on_each_target([&](const std::string& target) {
    signal_to_pixels(Context({.threads = 1}), signal, actual.data());
    EXPECT_EQ(actual, expected) << target;
  });
}

TEST(SignalToPixels, GivesBackEveryLevel) {
  std::vector<std::uint8_t> pixels(258), back(258);
  for (std::size_t i = 0; i < 258; ++i) pixels[i] = static_cast<std::uint8_t>(i % 256);
  Tensor signal(86, 3);
  on_each_target([&](const std::string& target) {
    pixels_to_signal(Context({.threads = 1}), pixels.data(), signal);
    signal_to_pixels(Context({.threads = 1}), signal, back.data());
    ASSERT_EQ(back, pixels) << target;
  });
}

TEST(SignalToPixels, ClampsRoundsTiesToEvenAndTurnsNanToBlack) {
  // 0.5 / 127.5 - 1 is level 0.5 exactly in neither f32 nor binary; 1/255-steps are tied at x = 0.
  const std::vector<float> signal = {-2,   2,     -kInfinity, kInfinity, std::nanf(""),
                                     0.0f, -1.0f, 1.0f,       0.5f};
  const std::vector<std::uint8_t> expected = {0, 255, 0, 255, 0, 128, 0, 255, 191};
  on_each_target([&](const std::string& target) {
    std::vector<std::uint8_t> pixels(9);
    signal_to_pixels(Context({.threads = 1}), ConstMatrixView(signal.data(), DType::f32, 3, 3),
                     pixels.data());
    EXPECT_EQ(pixels, expected) << target;
  });
}

TEST(AllFinite, FindsOneBadValueAnywhere) {
  const Context context({.threads = 2});
  for (const float bad : {kInfinity, -kInfinity, std::nanf("")}) {
    for (const std::int64_t place : {0, 15, 16, 100, 130}) {
      OddMatrix x(2, 131, DType::f32);
      x.fill(1, -1e38f, 1e38f);
      on_each_target([&](const std::string& target) {
        for (const float value : {0.0f, bad}) {
          x.set(1, place, value);
          EXPECT_EQ(all_finite(context, x.view()), all_finite_reference(x.view()))
              << target << " " << place << " " << value;
        }
      });
    }
  }
}

}  // namespace
}  // namespace imagined::engine
