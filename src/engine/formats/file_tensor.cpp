#include "engine/formats/file_tensor.h"

#include <fmt/core.h>

#include "base/check.h"

namespace imagined::engine {

std::int64_t FileTensor::elements() const {
  std::int64_t product = 1;
  for (const std::int64_t size : shape) product *= size;  // checked against overflow when read
  return product;
}

StoredRows FileTensor::stored_rows(std::int64_t first, std::int64_t rows, std::int64_t cols) const {
  CHECK(is_readable(), "rows of {}", dtype_name);
  StoredRows all(bytes, *type, elements(), 1);
  if (scales != nullptr) all = all.scaled(*scales);
  return all.reshaped(first, rows, cols);
}

std::string to_string(std::span<const std::int64_t> shape) {
  std::string text;
  for (const std::int64_t length : shape)
    text += fmt::format("{}{}", text.empty() ? "[" : ", ", length);
  return text.empty() ? "[]" : text + "]";
}

}  // namespace imagined::engine
