#include "engine/ops/conv2d/conv2d.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <string>
#include <vector>

#include "engine/ops/op_testing.h"
#include "engine/tensor/element.h"

namespace imagined::engine {
namespace {

using testing::multiplies_bf16;
using testing::tiled_implementations;

/// Values in [-1, 1), a fixed sequence per seed.
Tensor random_matrix(std::int64_t rows, std::int64_t cols, DType dtype, std::uint64_t seed) {
  Tensor matrix(rows, cols, dtype);
  std::uint64_t state = seed * 0x9e3779b97f4a7c15ull + 1;
  for (std::int64_t r = 0; r < rows; ++r) {
    for (std::int64_t c = 0; c < cols; ++c) {
      state = state * 6364136223846793005ull + 1442695040888963407ull;
      write_element(matrix, r, c,
                    static_cast<float>(static_cast<std::int32_t>(state >> 32)) * 0x1p-31f);
    }
  }
  return matrix;
}

/// The same numbers in f32, after `change`.
template <class Change>
Tensor changed(const ConstMatrixView& in, const Change& change) {
  Tensor out(in.rows, in.cols);
  for (std::int64_t r = 0; r < in.rows; ++r) {
    for (std::int64_t c = 0; c < in.cols; ++c) out.row(r)[c] = change(read_element(in, r, c));
  }
  return out;
}
float magnitude(float value) { return std::abs(value); }
float rounded(float value) { return to_float(to_bf16(value)); }

std::vector<std::string> implementations(DType stored) { return tiled_implementations(stored); }

Context context_for(const std::string& implementation, int threads = 2) {
  return Context({.threads = threads, .implementations = "conv2d=" + implementation});
}

WeightFormat format_of(DType stored) {
  return stored == DType::bf16 ? WeightFormat::bf16 : WeightFormat::f32;
}

struct Case {
  std::int64_t height = 1;
  std::int64_t width = 1;
  std::int64_t in_channels = 1;
  std::int64_t out_channels = 1;
  std::int64_t kernel = 3;
  ConvShape shape = ConvShape::same;
  DType in = DType::f32;
  DType stored = DType::f32;
  DType out = DType::f32;
  bool residual = false;

  std::int64_t out_height() const { return side(height); }
  std::int64_t out_width() const { return side(width); }
  std::int64_t side(std::int64_t length) const {
    if (shape == ConvShape::downsample) return length / 2;
    return shape == ConvShape::upsample ? 2 * length : length;
  }
};

/// As for a product: each addition may err by eps of the magnitudes summed; then the store.
double tolerance(const Case& c, double magnitudes, double expected) {
  const auto terms = static_cast<double>(c.in_channels * c.kernel * c.kernel + 2);
  return 2.0 * terms * 0x1p-24 * magnitudes +
         (c.out == DType::bf16 ? 0x1p-8 * std::abs(expected) : 0.0) + 1e-30;
}

void check(const Case& c) {
  const std::int64_t pixels = c.out_height() * c.out_width();
  const Tensor in = random_matrix(c.height * c.width, c.in_channels, c.in, 1);
  const Tensor weight =
      random_matrix(c.out_channels, c.in_channels * c.kernel * c.kernel, c.stored, 2);
  const Tensor bias = random_matrix(1, c.out_channels, DType::f32, 3);
  const Tensor before = random_matrix(pixels, c.out_channels, DType::f32, 4);
  const ConstImageView residual(before, c.out_height(), c.out_width());
  const ConstImageView* const added = c.residual ? &residual : nullptr;

  const auto reference = [&](const Tensor& picture, const ConstMatrixView& filter,
                             const Tensor& offsets, const ConstImageView* addend) {
    Tensor values(pixels, c.out_channels);
    conv2d_reference({picture, c.height, c.width}, filter, c.kernel, offsets, c.shape,
                     {values, c.out_height(), c.out_width()}, addend);
    return values;
  };
  const Tensor before_magnitudes = changed(before, magnitude);
  const ConstImageView residual_magnitudes(before_magnitudes, c.out_height(), c.out_width());
  const Tensor exact = reference(in, weight, bias, added);
  // The bf16 tiles round a picture of f32 first, as matmul's contract says.
  const Tensor narrow = reference(changed(in, rounded), weight, bias, added);
  const Tensor magnitudes =
      reference(changed(in, magnitude), changed(weight, magnitude), changed(bias, magnitude),
                c.residual ? &residual_magnitudes : nullptr);

  for (const std::string& implementation : implementations(c.stored)) {
    const Context context = context_for(implementation);
    const PackedConv conv =
        pack_conv(context, StoredRows(weight), c.in_channels, c.kernel, bias, format_of(c.stored));
    Tensor out(pixels, c.out_channels, c.out);
    conv2d(context, {in, c.height, c.width}, conv, c.shape, {out, c.out_height(), c.out_width()},
           {.residual = added});
    const Tensor& expected = multiplies_bf16(implementation) ? narrow : exact;
    for (std::int64_t p = 0; p < pixels; ++p) {
      for (std::int64_t o = 0; o < c.out_channels; ++o) {
        const double want = expected.row(p)[o];
        ASSERT_NEAR(read_element(out, p, o), want, tolerance(c, magnitudes.row(p)[o], want))
            << implementation << " " << c.height << " x " << c.width << ", " << c.in_channels
            << " -> " << c.out_channels << ", kernel " << c.kernel << ", shape "
            << static_cast<int>(c.shape) << ", at pixel " << p << " channel " << o;
      }
    }
  }
}

TEST(Conv2d, MatchesReferenceOnSmallPicturesAndAnyChannels) {
  for (const DType stored : {DType::f32, DType::bf16}) {
    for (const std::int64_t in_channels : {1, 3, 8, 33}) {
      for (const std::int64_t out_channels : {1, 3, 16, 35}) {
        for (const std::int64_t kernel : {1, 3}) {
          check({.height = 3,
                 .width = 5,
                 .in_channels = in_channels,
                 .out_channels = out_channels,
                 .kernel = kernel,
                 .stored = stored});
          if (HasFatalFailure()) return;
        }
      }
    }
  }
}

TEST(Conv2d, MatchesReferenceOnPicturesOfOneLineColumnOrPixel) {
  for (const DType stored : {DType::f32, DType::bf16}) {
    for (const std::int64_t height : {1, 2, 17}) {
      for (const std::int64_t width : {1, 2, 17}) {
        check({.height = height,
               .width = width,
               .in_channels = 5,
               .out_channels = 6,
               .stored = stored});
        check({.height = height,
               .width = width,
               .in_channels = 5,
               .out_channels = 6,
               .shape = ConvShape::upsample,
               .stored = stored});
        if (HasFatalFailure()) return;
      }
    }
  }
}

TEST(Conv2d, MatchesReferenceAcrossPiecesAndSlices) {
  for (const DType stored : {DType::f32, DType::bf16}) {
    check({.height = 11, .width = 69, .in_channels = 12, .out_channels = 70, .stored = stored});
    check({.height = 5, .width = 9, .in_channels = 210, .out_channels = 40, .stored = stored});
    check({.height = 19,
           .width = 31,
           .in_channels = 40,
           .out_channels = 7,
           .kernel = 1,
           .stored = stored});
  }
}

TEST(Conv2d, DownsamplesWithPaddingAtTheRightAndTheBottomOnly) {
  for (const DType stored : {DType::f32, DType::bf16}) {
    for (const std::int64_t size : {2, 3, 8, 33}) {
      check({.height = size,
             .width = size + 1,
             .in_channels = 6,
             .out_channels = 20,
             .shape = ConvShape::downsample,
             .stored = stored});
      if (HasFatalFailure()) return;
    }
  }
}

TEST(Conv2d, EnlargesByNearestNeighbourBeforeTheFilter) {
  for (const DType stored : {DType::f32, DType::bf16}) {
    check({.height = 9,
           .width = 37,
           .in_channels = 6,
           .out_channels = 20,
           .shape = ConvShape::upsample,
           .stored = stored});
    check({.height = 4,
           .width = 3,
           .in_channels = 6,
           .out_channels = 5,
           .kernel = 1,
           .shape = ConvShape::upsample,
           .stored = stored});
  }
}

TEST(Conv2d, ReadsAndWritesBothTypes) {
  for (const DType stored : {DType::f32, DType::bf16}) {
    for (const DType in : {DType::f32, DType::bf16}) {
      for (const DType out : {DType::f32, DType::bf16}) {
        check({.height = 4,
               .width = 6,
               .in_channels = 9,
               .out_channels = 10,
               .in = in,
               .stored = stored,
               .out = out,
               .residual = true});
        if (HasFatalFailure()) return;
      }
    }
  }
}

TEST(Conv2d, AddsAResidualThatMayBeTheResultItself) {
  const Tensor in = random_matrix(6 * 7, 8, DType::f32, 1);
  const Tensor weight = random_matrix(8, 8 * 9, DType::f32, 2);
  for (const std::string& implementation : implementations(DType::f32)) {
    const Context context = context_for(implementation);
    const PackedConv conv = pack_conv(context, StoredRows(weight), 8, 3, {}, WeightFormat::f32);
    const Tensor before = random_matrix(6 * 7, 8, DType::f32, 3);
    Tensor apart(6 * 7, 8);
    Tensor in_place = random_matrix(6 * 7, 8, DType::f32, 3);
    const ConstImageView residual(before, 6, 7);
    const ConstImageView self(in_place, 6, 7);
    conv2d(context, {in, 6, 7}, conv, ConvShape::same, {apart, 6, 7}, {.residual = &residual});
    conv2d(context, {in, 6, 7}, conv, ConvShape::same, {in_place, 6, 7}, {.residual = &self});
    EXPECT_EQ(0, std::memcmp(apart.row(0), in_place.row(0), 6 * 7 * 8 * sizeof(float)))
        << implementation;
  }
}

TEST(Conv2d, MakesBandsOfRowsThatAreTheWholeToTheBit) {
  constexpr std::int64_t kHeight = 22;
  constexpr std::int64_t kWidth = 70;
  constexpr std::int64_t kOut = 40;
  const Tensor in = random_matrix(kHeight * kWidth, 24, DType::f32, 1);
  struct Kind {
    std::int64_t kernel;
    ConvShape shape;
    std::int64_t height, width;  // of the result
  };
  constexpr Kind kKinds[] = {{1, ConvShape::same, kHeight, kWidth},
                             {3, ConvShape::same, kHeight, kWidth},
                             {3, ConvShape::downsample, kHeight / 2, kWidth / 2},
                             {3, ConvShape::upsample, 2 * kHeight, 2 * kWidth}};
  for (const DType stored : {DType::f32, DType::bf16}) {
    for (const auto& [kernel, shape, height, width] : kKinds) {
      const Tensor weight = random_matrix(kOut, 24 * kernel * kernel, stored, 2);
      for (const std::string& implementation : implementations(stored)) {
        const Context context = context_for(implementation);
        const PackedConv conv =
            pack_conv(context, StoredRows(weight), 24, kernel, {}, format_of(stored));
        Tensor whole(height * width, kOut);
        Tensor bands(height * width, kOut);
        conv2d(context, {in, kHeight, kWidth}, conv, shape, {whole, height, width});
        for (std::int64_t first = 0; first < height; first += 5) {
          const std::int64_t rows = std::min<std::int64_t>(5, height - first);
          conv2d(context, {in, kHeight, kWidth}, conv, shape,
                 {bands.view().row_range(first * width, rows * width), rows, width},
                 {.first_row = first});
        }
        EXPECT_EQ(0, std::memcmp(whole.row(0), bands.row(0), whole.values().size_bytes()))
            << implementation << " kernel " << kernel << " shape " << static_cast<int>(shape);
      }
    }
  }
}

TEST(Conv2d, ReadsAndWritesColumnRanges) {
  const Tensor wide_in = random_matrix(5 * 6, 12, DType::f32, 1);
  const ConstMatrixView in = wide_in.view().col_range(2, 7);
  const Tensor weight = random_matrix(5, 7 * 9, DType::f32, 2);
  Tensor expected(5 * 6, 5);
  conv2d_reference({in, 5, 6}, weight, 3, {}, ConvShape::same, {expected, 5, 6});
  for (const std::string& implementation : implementations(DType::f32)) {
    const Context context = context_for(implementation);
    const PackedConv conv = pack_conv(context, StoredRows(weight), 7, 3, {}, WeightFormat::f32);
    Tensor out = Tensor::zeros(5 * 6, 9);
    conv2d(context, {in, 5, 6}, conv, ConvShape::same, {out.view().col_range(3, 5), 5, 6});
    for (std::int64_t p = 0; p < 30; ++p) {
      for (std::int64_t o = 0; o < 5; ++o) {
        ASSERT_NEAR(out.row(p)[3 + o], expected.row(p)[o], 64 * 0x1p-23) << implementation;
      }
      ASSERT_EQ(out.row(p)[2], 0.0f) << implementation;
      ASSERT_EQ(out.row(p)[8], 0.0f) << implementation;
    }
  }
}

TEST(Conv2d, GivesTheSameBytesWithAnyNumberOfThreads) {
  const Tensor in = random_matrix(20 * 70, 24, DType::f32, 1);
  for (const DType stored : {DType::f32, DType::bf16}) {
    const Tensor weight = random_matrix(40, 24 * 9, stored, 2);
    for (const std::string& implementation : implementations(stored)) {
      std::vector<Tensor> results;
      for (const int threads : {1, 2, 3}) {
        const Context context = context_for(implementation, threads);
        const PackedConv conv =
            pack_conv(context, StoredRows(weight), 24, 3, {}, format_of(stored));
        results.emplace_back(20 * 70, 40);
        conv2d(context, {in, 20, 70}, conv, ConvShape::same, {results.back(), 20, 70});
        EXPECT_EQ(0, std::memcmp(results.front().row(0), results.back().row(0),
                                 20 * 70 * 40 * sizeof(float)))
            << implementation << " with " << threads << " threads";
      }
    }
  }
}

TEST(Conv2dDeathTest, RefusesAResultOfTheWrongSize) {
  const Context context({.threads = 1});
  const Tensor in = random_matrix(16, 2, DType::f32, 1);
  const Tensor weight = random_matrix(3, 2 * 9, DType::f32, 2);
  const PackedConv conv = pack_conv(context, StoredRows(weight), 2, 3, {}, WeightFormat::f32);
  Tensor out(16, 3);
  EXPECT_DEATH(conv2d(context, {in, 4, 4}, conv, ConvShape::upsample, {out, 4, 4}),
               "expected 4 x 8 of 3");
}

}  // namespace
}  // namespace imagined::engine
