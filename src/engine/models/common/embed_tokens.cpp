#include "engine/models/common/embed_tokens.h"

#include <fmt/core.h>

namespace imagined::engine {

Result<Tensor> embed_tokens(const MappedMatrix& embedding, const EmbeddingShape& shape,
                            std::span<const std::int32_t> ids) {
  Tensor hidden(std::ssize(ids), shape.width);
  std::int64_t row = 0;
  for (const std::int32_t id : ids) {
    if (id < 0 || id >= shape.vocab_size)
      return fail(ErrorCode::invalid_argument,
                  fmt::format("token {} of a vocabulary of {}", id, shape.vocab_size));
    embedding.read_row(id, hidden.view().row_range(row++, 1));
  }
  TRY(embedding.sound());
  return hidden;
}

}  // namespace imagined::engine
