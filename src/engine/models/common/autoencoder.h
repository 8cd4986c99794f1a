// What an autoencoder is to the pipeline, whatever its family.
#pragma once

#include <cstdint>
#include <memory>
#include <stop_token>

#include "base/result.h"
#include "engine/backend/context.h"
#include "engine/models/common/activation_pool.h"
#include "engine/tensor/matrix.h"

namespace imagined::engine {

/// A clip on its way to pixels, one latent frame after the other.
class ClipDecoder {
 public:
  virtual ~ClipDecoder() = default;

  /// tokens   [rows * cols, channels] f32, of the next latent frame.
  /// returns  [frames * height * width, 3] f32 in about [-1, 1], one frame below the other: 1 of
  /// the
  ///          first latent frame, Autoencoder::frames_per_latent() of each later one.
  /// A stop request between two blocks returns `cancelled`.
  virtual Result<Tensor> next(ConstMatrixView tokens, const std::stop_token& stop) = 0;
};

/// Pictures and clips to normalised latent tokens and back. Immutable.
class Autoencoder {
 public:
  virtual ~Autoencoder() = default;

  /// Side of the square of pixels that a token stands for.
  virtual std::int64_t pixels_per_token() const = 0;
  /// Frames that a latent frame behind the first stands for. Where there is more than one, a clip
  /// is decoded from its first latent frame on, for the later ones read the ones before them.
  virtual std::int64_t frames_per_latent() const = 0;

  /// Pixels of a token grid.
  ///
  /// tokens   [rows * cols, channels] f32, normalised, row after row.
  /// returns  [rows * p * cols * p, 3] f32 in about [-1, 1]; p = pixels_per_token().
  /// A stop request between two blocks returns `cancelled`.
  virtual Result<Tensor> decode(const Context& context, ConstMatrixView tokens, std::int64_t rows,
                                std::int64_t cols, ActivationPool& pool,
                                const std::stop_token& stop) const = 0;

  /// Tokens of a picture: the mean of the distribution, never a sample.
  ///
  /// pixels   [height * width, 3] f32 in [-1, 1]; both sides multiples of pixels_per_token().
  /// returns  [rows * cols, channels] f32, normalised.
  virtual Result<Tensor> encode(const Context& context, ConstMatrixView pixels, std::int64_t height,
                                std::int64_t width, ActivationPool& pool,
                                const std::stop_token& stop) const = 0;

  /// The decoder keeps pointers to the autoencoder, the context and the pool.
  virtual std::unique_ptr<ClipDecoder> begin_clip(const Context& context, std::int64_t rows,
                                                  std::int64_t cols,
                                                  ActivationPool& pool) const = 0;

  /// Multiplications and additions for one picture of rows x cols tokens, convolutions and the
  /// middle attention.
  virtual double decode_flop(std::int64_t rows, std::int64_t cols) const = 0;
  virtual double encode_flop(std::int64_t rows, std::int64_t cols) const = 0;
  /// The same for a latent frame of a clip behind the first.
  virtual double clip_flop(std::int64_t rows, std::int64_t cols) const = 0;
  /// Of memory beside the weights, where a decode needs most; the result is part of it.
  virtual std::int64_t decode_bytes(std::int64_t rows, std::int64_t cols) const = 0;
  /// The same of a clip, however long it is.
  virtual std::int64_t clip_bytes(std::int64_t rows, std::int64_t cols) const = 0;
};

}  // namespace imagined::engine
