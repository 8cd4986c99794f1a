// Any bytes as a GGUF file: refused, or every span lies in the file, has its shape's size and can
// be decoded.
#include <array>

#include "base/check.h"
#include "engine/formats/gguf.h"
#include "engine/models/qwen3/qwen3_names.h"
#include "engine/models/t5/t5_names.h"
#include "engine/tensor/matrix.h"

using namespace imagined::engine;

namespace {

void check_place(const FileTensor& tensor, std::span<const std::byte> file) {
  if (tensor.bytes.empty()) return;
  CHECK(tensor.bytes.data() >= file.data(), "before the file");
  const auto begin = static_cast<std::size_t>(tensor.bytes.data() - file.data());
  CHECK(begin <= file.size() && tensor.bytes.size() <= file.size() - begin, "outside the file");
}

/// A row of `cols` elements at every place of the tensor, so that blocks are cut anywhere.
void decode_all(const FileTensor& tensor, std::int64_t cols) {
  const std::int64_t rows = tensor.elements() / cols;
  std::array<Bf16, kMaxBlockElements> values{};
  const MatrixView out{
      .data = values.data(), .dtype = DType::bf16, .rows = 1, .cols = cols, .stride = cols};
  const StoredRows stored = tensor.stored_rows(0, rows, cols);
  for (std::int64_t row = 0; row < rows; ++row) decode_rows(stored.row_range(row, 1), out);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size_bytes) {
  const std::span<const std::byte> file = std::as_bytes(std::span(data, size_bytes));
  static_cast<void>(imagined::engine::read_gguf_keys(file, "tokenizer."));
  const imagined::Result<std::vector<FileTensor>> tensors = parse_gguf(file);
  if (!tensors) {
    CHECK(!tensors.error().message.empty(), "an error says what is wrong");
    return 0;
  }
  for (const FileTensor& tensor : *tensors) {
    for (const NameTable* table : {&qwen3_names(), &t5_names()})
      CHECK(table->canonical(tensor.name, 0).names.size() <= 1, "no name is fused");
    check_place(tensor, file);
    if (!tensor.is_readable()) continue;
    const auto elements = static_cast<std::size_t>(tensor.elements());
    if (tensor.type->dtype != DType::other)
      CHECK(tensor.bytes.size() == elements * imagined::engine::size_bytes(tensor.dtype),
            "{} bytes for {}", tensor.bytes.size(), to_string(tensor.shape));
    for (const std::int64_t cols : {1, 24, 256}) decode_all(tensor, cols);
  }
  return 0;
}
