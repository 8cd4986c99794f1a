// Tokens as the rows of an embedding.
#pragma once

#include <cstdint>
#include <span>

#include "base/result.h"
#include "engine/models/common/weight_loader.h"
#include "engine/tensor/matrix.h"

namespace imagined::engine {

struct EmbeddingShape {
  std::int64_t vocab_size = 0;
  std::int64_t width = 0;
};

/// embedding  [vocab_size, width], as stored.
/// Returns [tokens, width] f32. `invalid_argument` for a token outside of the vocabulary,
/// `data_loss` for a row that is not finite.
Result<Tensor> embed_tokens(const MappedMatrix& embedding, const EmbeddingShape& shape,
                            std::span<const std::int32_t> ids);

}  // namespace imagined::engine
