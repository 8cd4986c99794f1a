#include <algorithm>
#include <cmath>

#include "engine/ops/convert/convert.h"
#include "engine/tensor/element.h"

namespace imagined::engine {

void convert_reference(ConstMatrixView in, MatrixView out) {
  for (std::int64_t r = 0; r < in.rows; ++r) {
    for (std::int64_t c = 0; c < in.cols; ++c) write_element(out, r, c, read_element(in, r, c));
  }
}

void add_scaled_reference(ConstMatrixView in, float factor, MatrixView out) {
  for (std::int64_t r = 0; r < in.rows; ++r) {
    for (std::int64_t c = 0; c < in.cols; ++c) {
      const double sum = read_element(out, r, c) + double{factor} * read_element(in, r, c);
      write_element(out, r, c, static_cast<float>(sum));
    }
  }
}

void affine_columns_reference(ConstMatrixView in, ConstMatrixView scale, ConstMatrixView shift,
                              MatrixView out) {
  for (std::int64_t r = 0; r < in.rows; ++r) {
    for (std::int64_t c = 0; c < in.cols; ++c) {
      const double product = double{read_element(in, r, c)} * read_element(scale, 0, c);
      write_element(out, r, c, static_cast<float>(product + read_element(shift, 0, c)));
    }
  }
}

void pixels_to_signal_reference(const std::uint8_t* pixels, MatrixView out) {
  for (std::int64_t r = 0; r < out.rows; ++r) {
    for (std::int64_t c = 0; c < out.cols; ++c) {
      write_element(out, r, c, static_cast<float>(pixels[r * out.cols + c] / 255.0 * 2.0 - 1.0));
    }
  }
}

void signal_to_pixels_reference(ConstMatrixView in, std::uint8_t* pixels) {
  for (std::int64_t r = 0; r < in.rows; ++r) {
    for (std::int64_t c = 0; c < in.cols; ++c) {
      const double x = read_element(in, r, c);
      const double level = std::nearbyint(std::clamp(x / 2 + 0.5, 0.0, 1.0) * 255.0);
      pixels[r * in.cols + c] = std::isnan(x) ? std::uint8_t{0} : static_cast<std::uint8_t>(level);
    }
  }
}

bool all_finite_reference(ConstMatrixView x) {
  for (std::int64_t r = 0; r < x.rows; ++r) {
    for (std::int64_t c = 0; c < x.cols; ++c) {
      if (!std::isfinite(read_element(x, r, c))) return false;
    }
  }
  return true;
}

}  // namespace imagined::engine
